package sqlite

// CheckPragmas holds a connection to what durability needs.
var CheckPragmas = checkPragmas
