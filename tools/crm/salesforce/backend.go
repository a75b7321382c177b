package salesforce

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"drawbridge/tools"
)

// APIVersion is the version of Salesforce's API that is asked for, whatever newer ones
// there are.
const APIVersion = "v64.0"

const data = "/services/data/" + APIVersion

// Settings say which organization is asked, and how.
type Settings struct {
	// URL is where the organization is: its My Domain address, an origin without a path.
	URL string
	// ClientID and ClientSecret are the connected app's, for the client credentials flow.
	ClientID, ClientSecret string
	// PrivateKey, in PEM, and Username are for the JWT bearer flow instead. Audience is whom
	// the assertion is for; what goes with URL if "".
	PrivateKey, Username, Audience string
	// Currency is the organization's, or, if it has several, the one of its price book that
	// prices are shown in. Several: records have a currency each.
	Currency string
	Several  bool
	// ExternalID are the custom fields that keep the key of the call which made a record, by
	// object: see [KeyedObjects].
	ExternalID map[string]string
	// Fields are those for what Salesforce has no field of its own for: see [FieldNames].
	Fields map[string]string
	Values Values
	// PerSecond is how many requests a second are made at most; 0 for DefaultPace.
	PerSecond int
	// Reserve is how much of the day's API requests is left to others, in percent.
	Reserve int
	// Client makes the requests. It must not retry, nor follow redirects.
	Client *http.Client
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// Sleep waits before a request is made again; it returns early with ctx. A timer if nil.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Backend is one organization. It is safe for concurrent use.
type Backend struct {
	session  *session
	client   *http.Client
	pace     *pace
	memo     *memo
	currency string
	several  bool
	keys     map[string]string
	fields   map[string]string
	values   Values
	now      func() time.Time
	sleep    func(ctx context.Context, d time.Duration) error
}

// New makes a backend of an organization. It makes no request.
func New(s Settings) (*Backend, error) {
	s.URL = strings.TrimSuffix(s.URL, "/")
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Sleep == nil {
		s.Sleep = sleep
	}
	if s.PerSecond == 0 {
		s.PerSecond = DefaultPace
	}
	if s.Audience == "" {
		s.Audience = AudienceOf(s.URL)
	}
	switch {
	case s.Client == nil:
		return nil, errors.New("salesforce: no HTTP client")
	case s.URL == "" || s.ClientID == "" || (s.ClientSecret == "") == (s.PrivateKey == "") || (s.PrivateKey == "") != (s.Username == ""):
		return nil, errors.New("salesforce: want a URL, a client id, and either a client secret, or a private key and a user name")
	}
	values, err := s.Values.withDefaults()
	if err == nil {
		err = areNames(s.Fields, FieldNames)
	}
	if err == nil {
		err = areNames(s.ExternalID, KeyedObjects)
	}
	if err != nil {
		return nil, err
	}
	signIn, err := newSession(s)
	if err != nil {
		return nil, fmt.Errorf("salesforce: %w", err)
	}
	return &Backend{
		session: signIn, memo: &memo{now: s.Now}, client: s.Client, currency: s.Currency, several: s.Several, keys: s.ExternalID, fields: s.Fields, values: values, now: s.Now, sleep: s.Sleep,
		pace: &pace{limiter: rate.NewLimiter(rate.Limit(s.PerSecond), s.PerSecond), reserve: s.Reserve, now: s.Now},
	}, nil
}

// SetCredentials has us sign in by another secret, or another key, from the next request on.
// Of the two the one that is not used is "".
func (b *Backend) SetCredentials(clientSecret, privateKey string) error {
	return b.session.trust(clientSecret, privateKey)
}

// KeyedObjects are the objects that calls create, and whose external id can keep a call's
// key.
var KeyedObjects = []string{"Contact", "Case", "Opportunity", "Task"}

// FieldNames are what a custom field can be named for.
var FieldNames = []string{
	"customer_stage", "customer_external_id",
	"ticket_assignee",
	"task_assignee", "task_due_at", "task_outcome",
	"interaction_at", "interaction_sentiment",
	"deal_owner", "deal_close_by",
	"order_placed_at", "order_amount", "order_note", "order_delayed", "order_expected_at", "order_flagged", "order_review_reason",
	"product_sku", "product_stock", "product_reorder_at",
}

var fieldName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,79}$`)

func areNames(fields map[string]string, allowed []string) error {
	for of, name := range fields {
		if !slices.Contains(allowed, of) {
			return fmt.Errorf("salesforce: there is no field for %q", of)
		}
		if !fieldName.MatchString(name) {
			return fmt.Errorf("salesforce: %q is no API name of a field", name)
		}
	}
	return nil
}

// field is the field for something, or Salesforce's own where it has one.
func (b *Backend) field(of, standard string) string {
	if name := b.fields[of]; name != "" {
		return name
	}
	return standard
}

// timeOf is a field for a time: one of the settings' holds a date and time, Salesforce's own
// only a date.
func (b *Backend) timeOf(of, standard string) timeField {
	name := b.field(of, standard)
	return timeField{name: name, day: name == standard || name == "EndDate" || name == "PoDate"}
}

// noField is the error of a value that Salesforce has no field for.
func noField(argument, of string) error {
	return tools.Errorf(tools.Invalid, "%s: this Salesforce has no field for it; leave it out (a person can name one in tools.crm.salesforce.fields.%s)", argument, of)
}

// money gives the fields of a query that amounts need, and in which currency one is.
func (b *Backend) withCurrency(fields []string) []string {
	if b.several {
		return append(fields, "CurrencyIsoCode")
	}
	return fields
}

func (b *Backend) currencyOf(r record) string {
	if code := r.text("CurrencyIsoCode"); code != "" {
		return code
	}
	return b.currency
}

// selecting leaves out what is not set.
func selecting(fields ...string) []string {
	var all []string
	for _, f := range fields {
		if f != "" && !slices.Contains(all, f) {
			all = append(all, f)
		}
	}
	return all
}

func one(object string, fields []string, where string) string {
	return "SELECT " + strings.Join(fields, ", ") + " FROM " + object + " WHERE " + where
}

func idIs(id string) string { return "Id = " + quote(id) }

// reference is the id of what a part of a composite request makes, in those behind it.
type reference string

func idOf(part string) reference { return reference("@{" + part + ".id}") }

func sobject(object, id string) string { return data + "/sobjects/" + object + "/" + id }

// orNull is a text as a field takes it: an empty one removes the value.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func put(body map[string]any, field string, value string) {
	if value != "" {
		body[field] = value
	}
}
