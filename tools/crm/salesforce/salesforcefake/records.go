package salesforcefake

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// create makes a record of a request's fields.
func (o *Org) create(object string, body map[string]any) (string, *Problem) {
	r := row{}
	if bad := o.fill(object, r, body, true); bad != nil {
		return "", bad
	}
	for _, f := range o.fields[object] {
		if _, ok := r[f.Name]; !ok && f.Default != "" {
			r[f.Name] = f.Default
		}
		if _, ok := r[f.Name]; !ok && f.Required {
			return "", problem(400, "REQUIRED_FIELD_MISSING", "Required fields are missing: ["+f.Name+"]", f.Name)
		}
	}
	if _, owned := o.field(object, "OwnerId"); owned && r["OwnerId"] == nil {
		r["OwnerId"] = o.User
	}
	if bad := o.duplicates(object, r); bad != nil {
		return "", bad
	}
	return o.insert(object, r), nil
}

// insert stores a row, and writes what Salesforce writes itself.
func (o *Org) insert(object string, r row) string {
	o.n++
	id := fmt.Sprintf("%s5g%010dAAA", prefixes[object], o.n)
	at := o.stamp()
	r["Id"], r["IsDeleted"] = id, false
	if r["CreatedDate"] == nil {
		r["CreatedDate"] = at
	}
	r["LastModifiedDate"], r["SystemModstamp"] = r["CreatedDate"], r["CreatedDate"]
	if f, ok := o.field(object, "CurrencyIsoCode"); ok && r[f.Name] == nil {
		r[f.Name] = "EUR"
	}
	if number, ok := map[string]string{"Case": "CaseNumber", "Order": "OrderNumber", "OrderItem": "OrderItemNumber"}[object]; ok && r[number] == nil {
		r[number] = fmt.Sprintf("%08d", o.n)
	}
	o.tables[object] = append(o.tables[object], r)
	o.byID[id] = r
	o.derive(object, r)
	return id
}

func (o *Org) stamp() string {
	return o.now().UTC().Truncate(time.Second).Format("2006-01-02T15:04:05.000+0000")
}

// update changes a record.
func (o *Org) update(object, id string, body map[string]any) *Problem {
	r := o.byID[long(id)]
	if r == nil || o.objectOf(id) != object {
		return problem(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: "+id)
	}
	changed := row{}
	for name, value := range r {
		changed[name] = value
	}
	if bad := o.fill(object, changed, body, false); bad != nil {
		return bad
	}
	for _, f := range o.fields[object] {
		if f.Required && changed[f.Name] == nil {
			return problem(400, "REQUIRED_FIELD_MISSING", "Required fields are missing: ["+f.Name+"]", f.Name)
		}
	}
	clear(r)
	for name, value := range changed {
		r[name] = value
	}
	r["LastModifiedDate"], r["SystemModstamp"] = o.stamp(), o.stamp()
	o.derive(object, r)
	return nil
}

// upsert makes or changes the record with a value in a field that is an external id.
func (o *Org) upsert(object, field, value string, body map[string]any) (id string, created bool, bad *Problem) {
	f, ok := o.field(object, field)
	if !ok || !f.External {
		return "", false, problem(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: "+field)
	}
	if _, given := body[f.Name]; given {
		return "", false, problem(400, "INVALID_FIELD", "The "+f.Name+" field should not be specified in the sobject data.")
	}
	for _, r := range o.tables[object] {
		if has, _ := r[f.Name].(string); has == value {
			return r["Id"].(string), false, o.update(object, r["Id"].(string), body)
		}
	}
	all := map[string]any{f.Name: value}
	for name, given := range body {
		all[name] = given
	}
	id, bad = o.create(object, all)
	return id, true, bad
}

// fill puts a request's fields into a row, each as its type wants it.
func (o *Org) fill(object string, r row, body map[string]any, creating bool) *Problem {
	for name, given := range body {
		f, ok := o.field(object, name)
		switch {
		case !ok:
			return problem(400, "INVALID_FIELD", fmt.Sprintf("No such column '%s' on sobject of type %s", name, object))
		case f.System || f.Once && !creating:
			return problem(400, "INVALID_FIELD_FOR_INSERT_UPDATE", fmt.Sprintf("Unable to create/update fields: %s. Please check the security settings of this field and verify that it is read/write for your profile or permission set.", f.Name), f.Name)
		case given == nil:
			delete(r, f.Name)
			continue
		}
		value, bad := o.valueOf(f, given)
		if bad != nil {
			return bad
		}
		if value == nil {
			delete(r, f.Name)
			continue
		}
		if f.External {
			for _, other := range o.tables[object] {
				if other[f.Name] == value && other["Id"] != r["Id"] {
					return problem(400, "DUPLICATE_VALUE", fmt.Sprintf("duplicate value found: %s duplicates value on record with id: %s", f.Name, other["Id"]))
				}
			}
		}
		r[f.Name] = value
	}
	return nil
}

// valueOf is what a request gives a field, as it is kept: texts lose the blanks around them.
func (o *Org) valueOf(f Field, given any) (any, *Problem) {
	wrong := problem(400, "INVALID_TYPE_ON_FIELD_IN_RECORD", fmt.Sprintf("%s: value not of required type: %v", f.Name, given), f.Name)
	text, isText := given.(string)
	switch f.Kind {
	case Bool:
		if _, ok := given.(bool); !ok {
			return nil, wrong
		}
		return given, nil
	case Money, Number:
		n, ok := given.(json.Number)
		if !ok {
			return nil, wrong
		}
		return f.scaled(n, wrong)
	case Date, DateTime:
		layout := time.RFC3339Nano
		if f.Kind == Date {
			layout = time.DateOnly
		}
		at, err := time.Parse(layout, text)
		if err != nil {
			return nil, problem(400, "JSON_PARSER_ERROR", fmt.Sprintf("Cannot deserialize instance of %s from VALUE_STRING value %v", f.Kind, given))
		}
		return f.stored(at), nil
	}
	if !isText {
		return nil, wrong
	}
	if f.Kind == Reference {
		at := o.byID[long(text)]
		if at == nil || !slices.Contains(f.To, o.objectOf(text)) {
			return nil, problem(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", f.Name)
		}
		return long(text), nil
	}
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return nil, nil
	case f.Length > 0 && utf8.RuneCountInString(text) > f.Length:
		return nil, problem(400, "STRING_TOO_LONG", fmt.Sprintf("%s: data value too large: %.20s (max length=%d)", f.Name, text, f.Length), f.Name)
	case f.Values != nil && !slices.Contains(f.Values, text):
		return nil, problem(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", fmt.Sprintf("%s: bad value for restricted picklist field: %s", f.Name, text), f.Name)
	}
	if f.Kind == Email {
		if _, err := mail.ParseAddress(text); err != nil {
			return nil, problem(400, "INVALID_EMAIL_ADDRESS", "Email: invalid email address: "+text, f.Name)
		}
	}
	return text, nil
}

// scaled is a number as a field keeps it: an amount has two places, and 18 digits in all.
func (f Field) scaled(n json.Number, wrong *Problem) (any, *Problem) {
	exact, ok := new(big.Rat).SetString(string(n))
	if !ok {
		return nil, wrong
	}
	text := strings.TrimSuffix(exact.FloatString(2), ".00")
	if len(text) > 19 {
		return nil, problem(400, "NUMBER_OUTSIDE_VALID_RANGE", f.Name+": value outside of valid range on numeric field", f.Name)
	}
	return json.Number(text), nil
}

// duplicates applies the rule about duplicates, where there is one: people of one address.
func (o *Org) duplicates(object string, r row) *Problem {
	if !o.DuplicateRule || object != "Contact" || r["Email"] == nil {
		return nil
	}
	for _, other := range o.tables[object] {
		if other["Email"] == r["Email"] {
			p := problem(400, "DUPLICATES_DETECTED", "Use one of these records?")
			p.Duplicates = map[string]any{"allowSave": true, "matchResults": []any{map[string]any{"entityType": "Contact", "matchRecords": []any{
				map[string]any{"matchConfidence": 100, "record": map[string]any{"attributes": map[string]any{"type": "Contact"}, "Id": other["Id"]}},
			}}}}
			return p
		}
	}
	return nil
}

// derive writes the fields that follow from others.
func (o *Org) derive(object string, r row) {
	text := func(name string) string { t, _ := r[name].(string); return t }
	switch object {
	case "Contact":
		r["Name"] = strings.TrimSpace(text("FirstName") + " " + text("LastName"))
	case "Case":
		r["IsClosed"] = closedCase[text("Status")]
		if contact := o.byID[text("ContactId")]; contact != nil && r["AccountId"] == nil && contact["AccountId"] != nil {
			r["AccountId"] = contact["AccountId"]
		}
	case "Opportunity":
		r["IsClosed"], r["IsWon"] = closedDeal[text("StageName")], text("StageName") == "Closed Won"
	case "Task":
		was, _ := r["IsClosed"].(bool)
		closed := closedTask[text("Status")]
		r["IsClosed"] = closed
		if closed && !was {
			r["CompletedDateTime"] = o.stamp()
		} else if !closed {
			delete(r, "CompletedDateTime")
		}
		delete(r, "AccountId")
		if what := text("WhatId"); o.objectOf(what) == "Account" {
			r["AccountId"] = what
		} else if who := o.byID[text("WhoId")]; who != nil && who["AccountId"] != nil {
			r["AccountId"] = who["AccountId"]
		}
	case "Order":
		r["StatusCode"] = orderStates[text("Status")]
		if r["TotalAmount"] == nil {
			r["TotalAmount"] = json.Number("0")
		}
	case "OrderItem":
		order := o.byID[text("OrderId")]
		sum := new(big.Rat)
		for _, line := range o.tables["OrderItem"] {
			if line["OrderId"] == r["OrderId"] {
				price, _ := new(big.Rat).SetString(string(line["UnitPrice"].(json.Number)))
				count, _ := new(big.Rat).SetString(string(line["Quantity"].(json.Number)))
				sum.Add(sum, price.Mul(price, count))
			}
		}
		order["TotalAmount"] = json.Number(sum.FloatString(2))
	}
}

// objectOf is the object whose record has an id.
func (o *Org) objectOf(id string) string {
	for object, prefix := range prefixes {
		if strings.HasPrefix(id, prefix) {
			return object
		}
	}
	return ""
}

// long is an id of 18 characters; one of 15 is the same without its last three.
func long(id string) string {
	if len(id) == 15 {
		return id + "AAA"
	}
	return id
}

func wellFormed(id string) bool {
	return (len(id) == 15 || len(id) == 18) && strings.IndexFunc(id, func(r rune) bool { return r >= utf8.RuneSelf || !isWord(byte(r)) || r == '_' }) < 0
}
