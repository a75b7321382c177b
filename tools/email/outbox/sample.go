package outbox

import (
	"context"
	"fmt"
	"net/mail"

	"drawbridge/tools/email"
	"drawbridge/tools/sqldb"
)

// Seed adds sample data: three templates, and a customer's question about her
// order. What is already there stays as it is, so Seed may run at every start.
func (b *Backend) Seed(ctx context.Context) error {
	err := b.db.Write(ctx, func(tx sqldb.Tx) error {
		for _, t := range sampleTemplates {
			_, err := tx.ExecContext(ctx, `INSERT INTO email_templates (name, description, subject, body_text, body_html, updated_at) VALUES (?, ?, ?, ?, ?, ?)
				ON CONFLICT (name) DO NOTHING`, t.Name, t.Description, t.Subject, t.Text, t.HTML, b.now().UnixMilli())
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("adding sample templates: %w", err)
	}
	_, err = b.Receive(ctx,
		email.Mail{To: []mail.Address{b.from}, Subject: "Where is my order 1042?", Text: sampleQuestion},
		email.Stamp{
			From:      mail.Address{Name: "Ada Lindqvist", Address: "ada@example.com"},
			Date:      b.clock(),
			MessageID: "<order-1042-question@example.com>",
		})
	return err
}

const sampleQuestion = `Hello,

I ordered a copper kettle two weeks ago (order 1042) and have not heard from
you since. Could you tell me when it will arrive?

If it takes another week I would rather have my money back.

Kind regards,
Ada Lindqvist`

var sampleTemplates = []email.Template{
	{
		Name:        "thank_you",
		Description: "Thanks a customer for an order, right after it came in.",
		Subject:     "Thank you for your order {{ .order_number }}",
		Text: `Hello {{ .customer_name }},

thank you for your order {{ .order_number }}. We will write again when it is
on its way.`,
	},
	{
		Name:        "order_delayed",
		Description: "Tells a customer that an order will arrive later than promised, and when.",
		Subject:     "Your order {{ .order_number }} will arrive later",
		Text: `Hello {{ .customer_name }},

your order {{ .order_number }} is delayed. We now expect it to arrive by
{{ .expected_date }}. We are sorry to keep you waiting.

If that is too late for you, answer this message and we will cancel the order.`,
		HTML: `<p>Hello {{ .customer_name }},</p>
<p>your order <strong>{{ .order_number }}</strong> is delayed. We now expect it to arrive by
<strong>{{ .expected_date }}</strong>. We are sorry to keep you waiting.</p>
<p>If that is too late for you, answer this message and we will cancel the order.</p>`,
	},
	{
		Name:        "refund_confirmation",
		Description: "Confirms to a customer that a refund was made. Send it only after the refund succeeded.",
		Subject:     "Your refund for order {{ .order_number }}",
		Text: `Hello {{ .customer_name }},

we have refunded {{ .amount }} for your order {{ .order_number }}. It can take
up to five working days until you see it on your account.`,
		HTML: `<p>Hello {{ .customer_name }},</p>
<p>we have refunded <strong>{{ .amount }}</strong> for your order {{ .order_number }}. It can take
up to five working days until you see it on your account.</p>`,
	},
}
