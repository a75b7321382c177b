package strictrules

// shape says what the value of a keyword must be under the 2020-12 metaschema.
type shape byte

const (
	anything shape = iota
	aSchema
	schemaList // one or more
	schemaMap
	patternMap // a schemaMap whose names are regular expressions
	dependencyMap
	aString
	aPattern
	aReference // a URI reference
	anID       // a URI reference without fragment
	aURI
	anAnchor
	aNumber
	aPositive
	aCount // an integer from 0
	aBoolean
	nameList // strings, none twice
	nameListMap
	aList
	someValues // a list that is not empty
	typeNames
	vocabulary
)

// standing says what a strict function may do with a keyword.
type standing byte

const (
	allowed  standing = iota
	rootOnly          // allowed at the root
	doubtful          // no rule for it is known: a caution
	refused
)

type keyword struct {
	shape  shape
	strict standing
}

// keywords are all of 2020-12 and those of older drafts that its metaschema still
// describes. A name that is not here is no keyword: it may have any value.
var keywords = map[string]keyword{
	"type":        {typeNames, allowed},
	"properties":  {schemaMap, allowed},
	"required":    {nameList, allowed},
	"items":       {aSchema, allowed},
	"enum":        {someValues, allowed},
	"const":       {anything, allowed},
	"anyOf":       {schemaList, allowed},
	"$ref":        {aReference, allowed},
	"$defs":       {schemaMap, allowed},
	"description": {aString, allowed},
	"title":       {aString, allowed},

	"additionalProperties": {aSchema, allowed},

	"pattern":          {aPattern, allowed},
	"format":           {aString, allowed},
	"minimum":          {aNumber, allowed},
	"maximum":          {aNumber, allowed},
	"exclusiveMinimum": {aNumber, allowed},
	"exclusiveMaximum": {aNumber, allowed},
	"multipleOf":       {aPositive, allowed},
	"minItems":         {aCount, allowed},
	"maxItems":         {aCount, allowed},

	"$schema": {aURI, rootOnly},
	"$id":     {anID, rootOnly},

	"$comment":    {aString, doubtful},
	"examples":    {aList, doubtful},
	"deprecated":  {aBoolean, doubtful},
	"readOnly":    {aBoolean, doubtful},
	"writeOnly":   {aBoolean, doubtful},
	"definitions": {schemaMap, doubtful}, // works, but $defs is the documented one

	"allOf":                 {schemaList, refused},
	"oneOf":                 {schemaList, refused},
	"not":                   {aSchema, refused},
	"if":                    {aSchema, refused},
	"then":                  {aSchema, refused},
	"else":                  {aSchema, refused},
	"dependentRequired":     {nameListMap, refused},
	"dependentSchemas":      {schemaMap, refused},
	"dependencies":          {dependencyMap, refused},
	"uniqueItems":           {aBoolean, refused},
	"propertyNames":         {aSchema, refused},
	"minLength":             {aCount, refused},
	"maxLength":             {aCount, refused},
	"default":               {anything, refused},
	"patternProperties":     {patternMap, refused},
	"prefixItems":           {schemaList, refused},
	"additionalItems":       {anything, refused}, // not in the 2020-12 metaschema
	"contains":              {aSchema, refused},
	"minContains":           {aCount, refused},
	"maxContains":           {aCount, refused},
	"minProperties":         {aCount, refused},
	"maxProperties":         {aCount, refused},
	"unevaluatedItems":      {aSchema, refused},
	"unevaluatedProperties": {aSchema, refused},
	"$anchor":               {anAnchor, refused},
	"$dynamicAnchor":        {anAnchor, refused},
	"$dynamicRef":           {aReference, refused},
	"$recursiveAnchor":      {anAnchor, refused},
	"$recursiveRef":         {aReference, refused},
	"$vocabulary":           {vocabulary, refused},
	"contentEncoding":       {aString, refused},
	"contentMediaType":      {aString, refused},
	"contentSchema":         {aSchema, refused},
}

// formats are those that strict functions may name.
var formats = map[string]bool{
	"date-time": true, "time": true, "date": true, "duration": true, "email": true,
	"hostname": true, "ipv4": true, "ipv6": true, "uuid": true,
}

var types = map[string]bool{
	"object": true, "array": true, "string": true, "number": true,
	"integer": true, "boolean": true, "null": true,
}
