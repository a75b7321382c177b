package shopifyfake

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// store is what there is.
type store struct {
	orders   []*order
	products []*Product
	notified int
}

// Order is one to be made. Amounts are in minor units of the currency.
type Order struct {
	Name, Email, Customer, Currency string
	Lines                           []Line
	Status                          string // PAID, PENDING or AUTHORIZED
	Note                            string
	Tags                            []string
	Created                         time.Time
	Disputed                        bool
}

// Line is one line of it.
type Line struct {
	Title, SKU, Location string // the place it is shipped from
	Quantity             int
	Price                int64
}

type line struct {
	Line
	id                string
	refunded, shipped int
}

type transaction struct {
	id, kind, status, parent string
	amount                   int64
}

type refund struct {
	id, note string
	at       time.Time
	lines    map[string]int
	tx       []transaction
}

type fulfilment struct {
	id       string
	at       time.Time
	lines    map[string]int
	tracking object
}

type order struct {
	Order
	id        string
	cancelled time.Time
	lines     []*line
	tx        []transaction
	refunds   []refund
	shipped   []fulfilment
}

// Product is one with one variant, which is kept at places.
type Product struct {
	Title, Handle, SKU, Status string
	Price                      int64 // EUR
	Stock                      map[string]int
	Created                    time.Time

	id, variant, item string
}

func (s *Server) id(kind string) string {
	s.n++
	return fmt.Sprintf("gid://shopify/%s/%d", kind, 1000+s.n)
}

// Place makes an order, and gives its id.
func (s *Server) Place(o Order) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.Created.IsZero() {
		o.Created = s.now()
	}
	made := &order{Order: o, id: s.id("Order")}
	for _, l := range o.Lines {
		if l.Location == "" {
			l.Location = "Main warehouse"
		}
		made.lines = append(made.lines, &line{Line: l, id: s.id("LineItem")})
	}
	if made.Name == "" {
		made.Name = fmt.Sprintf("#%d", 1001+len(s.orders))
	}
	if o.Status == "PAID" {
		made.tx = append(made.tx, transaction{id: s.id("OrderTransaction"), kind: "SALE", status: "SUCCESS", amount: made.total()})
	}
	s.orders = append(s.orders, made)
	return made.id
}

// Stock makes a product, and gives its id.
func (s *Server) Stock(p Product) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.Created.IsZero() {
		p.Created = s.now()
	}
	p.id, p.variant, p.item = s.id("Product"), s.id("ProductVariant"), s.id("InventoryItem")
	s.products = append(s.products, &p)
	return p.id
}

// Counts are how often each effect took place.
type Counts struct{ Refunds, Fulfilments, Cancelled, Notified int }

// Count counts what was done to the orders.
func (s *Server) Count() (c Counts) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Notified = s.notified
	for _, o := range s.orders {
		c.Refunds += len(o.refunds)
		c.Fulfilments += len(o.shipped)
		if !o.cancelled.IsZero() {
			c.Cancelled++
		}
	}
	return c
}

func (o *order) total() (sum int64) {
	for _, l := range o.lines {
		sum += l.Price * int64(l.Quantity)
	}
	return sum
}

func (o *order) received() (sum int64) {
	for _, t := range o.tx {
		if t.kind == "SALE" {
			sum += t.amount
		}
	}
	return sum
}

func (o *order) refunded() (sum int64) {
	for _, r := range o.refunds {
		for _, t := range r.tx {
			sum += t.amount
		}
	}
	return sum
}

func (o *order) status() string {
	switch back := o.refunded(); {
	case back > 0 && back >= o.received():
		return "REFUNDED"
	case back > 0:
		return "PARTIALLY_REFUNDED"
	case !o.cancelled.IsZero() && o.Status != "PAID":
		return "VOIDED"
	}
	return o.Status
}

func (o *order) goods() string {
	left, shipped := 0, 0
	for _, l := range o.lines {
		left, shipped = left+l.left(), shipped+l.shipped
	}
	switch {
	case shipped > 0 && left == 0:
		return "FULFILLED"
	case shipped > 0:
		return "PARTIALLY_FULFILLED"
	}
	return "UNFULFILLED"
}

// left is how many of a line are to be shipped.
func (l *line) left() int { return max(0, l.Quantity-l.refunded-l.shipped) }

func (s *Server) order(id any) *order {
	for _, o := range s.orders {
		if o.id == id {
			return o
		}
	}
	return nil
}

func (o *order) line(id any) *line {
	for _, l := range o.lines {
		if l.id == id {
			return l
		}
	}
	return nil
}

// decimal writes minor units as Shopify does: 1250 of the euro is 12.5, of the yen 1250.0.
func decimal(minor int64, currency string) string {
	if currency == "JPY" {
		return fmt.Sprintf("%d.0", minor)
	}
	return strings.TrimSuffix(fmt.Sprintf("%d.%02d", minor/100, minor%100), "0")
}

// minor reads a decimal.
func minor(text, currency string) (int64, error) {
	if currency == "JPY" {
		return strconv.ParseInt(strings.TrimSuffix(text, ".0"), 10, 64)
	}
	units, cents, _ := strings.Cut(text, ".")
	for len(cents) < 2 {
		cents += "0"
	}
	return strconv.ParseInt(units+cents, 10, 64)
}

// bag is a sum of the customer's. The shop's own currency is another, so that whoever looks
// there is found out.
func bag(amount int64, currency string) object {
	return object{"presentmentMoney": object{"amount": decimal(amount, currency), "currencyCode": currency}, "shopMoney": object{"amount": "0.01", "currencyCode": "CAD"}}
}

func stamp(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.UTC().Format(time.RFC3339)
}

func orNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// byPlace are the lines of an order by the place they are shipped from, in order.
func (o *order) byPlace() (places []string, lines map[string][]*line) {
	lines = map[string][]*line{}
	for _, l := range o.lines {
		if !slices.Contains(places, l.Location) {
			places = append(places, l.Location)
		}
		lines[l.Location] = append(lines[l.Location], l)
	}
	return places, lines
}

// Available is how many of a product can be sold at a place.
func (s *Server) Available(product, place string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.products {
		if p.id == product {
			return p.Stock[place]
		}
	}
	return 0
}
