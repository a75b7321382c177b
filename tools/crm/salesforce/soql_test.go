package salesforce

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"drawbridge/tools"
	"drawbridge/tools/crm/salesforce/salesforcefake"
)

// finds reports whether a query is read, and finds the one account that there is.
func finds(t testing.TB, fake *salesforcefake.Org, q string) bool {
	t.Helper()
	found, code := fake.Query(q)
	if code != "" {
		t.Fatalf("%q is refused: %s", q, code)
	}
	return len(found) == 1
}

// literal holds that a value, quoted, is one literal that stands for the value: a query with
// it means what it would mean with any other.
func literal(t testing.TB, value string) {
	t.Helper()
	value = strings.ToValidUTF8(value, "\uFFFD")
	fake := salesforcefake.New(t, time.Now, false)
	fake.Put("Account", map[string]any{"Name": value})
	if value == "" {
		return // SOQL takes it for null
	}
	exactly := "SELECT Id FROM Account WHERE Name = " + quote(value)
	if !finds(t, fake, exactly) {
		t.Errorf("%q is not found by %s", value, exactly)
	}
	if !finds(t, fake, "SELECT Id FROM Account WHERE Name LIKE "+containing(value)) {
		t.Errorf("%q does not contain itself", value)
	}
	if finds(t, fake, "SELECT Id FROM Account WHERE Name = "+quote(value+"x")+" AND Name = 'y'") {
		t.Errorf("%q gets out of its quotes", value)
	}
	fake.Put("Contact", map[string]any{"LastName": "another"})
	if found, code := fake.Query("SELECT Id FROM Contact WHERE LastName LIKE " + containing(value+"\u0001")); code != "" || len(found) > 0 {
		t.Errorf("%q is found where it is not: %v %s", value, found, code)
	}
	if strings.Contains(quote(value), "@{") {
		t.Errorf("%q can be taken for a reference", value)
	}
}

var hostile = []string{
	`'`, `\`, `\'`, `''`, `\\'`, `' OR Name != '`, `x' OR Id != null OR Name = 'y`, `') OR (Name != 'z`, "a\nb", "a\r\nb", "tab\there", "\x00", "\x01\x1f\x7f", "\u2028\u2029",
	`%`, `_`, `\%`, `\_`, `100% of_it`, `\u0027`, `\u005c`, `"quoted"`, "@{new.id}", "@{", "@@{{", `' LIMIT 0`, `' --`, "/* */", "{0}", "`", "é漢😀", "\xff\xfe'", "K\u212a", "ſs",
}

func TestNoValueGetsOutOfItsQuotes(t *testing.T) {
	for _, value := range hostile {
		literal(t, value)
	}
	words := append(slices.Clone(hostile), "SELECT Id", " FROM User", "Name", "=", " ", "(", ")", ",", "null")
	rapid.Check(t, func(r *rapid.T) {
		parts := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(words), rapid.StringN(0, 5, -1)), 0, 6).Draw(r, "parts")
		literal(t, strings.Join(parts, ""))
	})
}

func FuzzQuote(f *testing.F) {
	for _, value := range hostile {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if utf8.RuneCountInString(value) > 300 {
			return
		}
		literal(t, value)
	})
}

func TestWordsAreTakenLiterally(t *testing.T) {
	fake := salesforcefake.New(t, time.Now, false)
	fake.Put("Account", map[string]any{"Name": `50% of O'Brien_Sons \ Co`})
	for word, found := range map[string]bool{"50%": true, "5%%": false, "brien_sons": true, "brien_": true, "o_brien": false, `\`: true, `\\`: false, "'": true, "''": false, "%of": false} {
		if got := finds(t, fake, "SELECT Id FROM Account WHERE Name LIKE "+containing(word)); got != found {
			t.Errorf("%q is found: %v, want %v", word, got, found)
		}
	}
}

func TestQueryThatSalesforceWouldNotTakeForItsLengthIsNotMade(t *testing.T) {
	if _, err := (&Backend{}).query(t.Context(), strings.Repeat("漢", longestPath/9)); tools.CodeOf(err) != tools.Invalid {
		t.Errorf("a query of %d characters: %v", longestPath/9, err)
	}
	var many conditions
	if err := many.words(strings.Repeat("w ", maxWords+1), "Name"); tools.CodeOf(err) != tools.Invalid {
		t.Errorf("%d words: %v", maxWords+1, err)
	}
}

func TestIDsHaveAForm(t *testing.T) {
	for text, id := range map[string]bool{
		"0035g0000000001AAA": true, "0035g0000000001": true, "0015g0000000001AAA": false, "0035g00000000": false, "0035g0000000001AA'": false,
		"0035g000000000é": false, "003": false, "": false, "0035g0000000001 OR": false,
	} {
		if isID(text, ofContact) != id {
			t.Errorf("%q is an id of a contact: %v", text, !id)
		}
	}
}

func TestInstanceIsWhereTheSettingsSayOrSalesforces(t *testing.T) {
	for _, c := range []struct{ base, said, want string }{
		{"https://acme.my.salesforce.com", "https://acme.my.salesforce.com", "https://acme.my.salesforce.com"},
		{"https://acme.my.salesforce.com", "", "https://acme.my.salesforce.com"},
		{"https://acme.my.salesforce.com", "https://ACME.my.salesforce.com/", "https://acme.my.salesforce.com"},
		{"https://login.salesforce.com", "https://eu42.salesforce.com", "https://eu42.salesforce.com"},
		{"https://acme--dev.sandbox.my.salesforce.com", "https://cs1.salesforce.com:443", "https://cs1.salesforce.com:443"},
		{"https://acme.my.salesforce.com", "http://acme.my.salesforce.com", ""},
		{"https://acme.my.salesforce.com", "https://evil.example.com", ""},
		{"https://acme.my.salesforce.com", "https://my.salesforce.com.evil.example", ""},
		{"https://acme.my.salesforce.com", "https://evilsalesforce.com", ""},
		{"https://acme.my.salesforce.com", "https://acme.my.salesforce.com:8443", ""},
		{"https://acme.my.salesforce.com", "https://user@acme.my.salesforce.com", ""},
		{"https://acme.my.salesforce.com", "https://acme.my.salesforce.com/path", ""},
		{"https://acme.my.salesforce.com", "https://acme.my.salesforce.com@evil.example.com", ""},
		{"https://acme.my.salesforce.com", "javascript:alert(1)", ""},
		{"http://127.0.0.1:8080", "http://127.0.0.1:8080", "http://127.0.0.1:8080"},
		{"http://127.0.0.1:8080", "https://acme.my.salesforce.com", ""},
		{"https://proxy.example.com", "https://acme.my.salesforce.com", ""},
	} {
		got, err := instanceOf(c.base, c.said)
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("at %s, told %q: %q, %v; want %q", c.base, c.said, got, err, c.want)
		}
	}
}

func TestAmountsAreExact(t *testing.T) {
	for _, c := range []struct {
		number, currency string
		minor            int64
	}{
		{"4800", "EUR", 480000}, {"4800.5", "EUR", 480050}, {"1.234567E7", "EUR", 1234567000}, {"0.07", "EUR", 7}, {"0", "EUR", 0}, {"33000.0", "JPY", 33000},
		{"1.5", "KWD", 1500}, {"90071992547409.91", "EUR", 9007199254740991}, {"-1.005", "EUR", -101}, {"1.0E2", "JPY", 100},
	} {
		var r record
		if err := decode([]byte(`{"Amount":`+c.number+`}`), &r); err != nil {
			t.Fatal(err)
		}
		if got := r.minor("Amount", c.currency); got != c.minor {
			t.Errorf("%s %s is %d, want %d", c.number, c.currency, got, c.minor)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		minor, currency := rapid.Int64Range(0, 1<<53-1).Draw(r, "minor"), rapid.SampledFrom([]string{"EUR", "JPY", "KWD"}).Draw(r, "currency")
		var back record
		if err := decode([]byte(`{"Amount":`+string(decimal(minor, currency))+`}`), &back); err != nil {
			r.Fatal(err)
		}
		if got := back.minor("Amount", currency); got != minor {
			r.Fatalf("%d %s comes back as %d", minor, currency, got)
		}
	})
}
