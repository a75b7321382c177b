package salesforce

// StoredKey is the key of a call as a record keeps it.
var StoredKey = storedKey
