package policy

import (
	"time"

	"drawbridge/server/guard"
)

// Defaults are the rules that hold behind an operator's own, unless they are off.
//
// What they are after: money and words that leave the company are somebody's decision
// wherever a text from outside may have made the suggestion, wherever much is at stake, and
// wherever it cannot be taken back. By the doors:
//
//   - A run that has read text from outside (a webhook's, or one that looked at mail,
//     tickets, or a mounted server's results) may answer the customers that its event is
//     about (of a mail that came in, the one whom it says it is from, at the address that the
//     CRM has of him), since that is what it is for, and write records of ours. Everything else that
//     leaves needs a person: nobody can say whose idea it was.
//   - A key and the runs of clean triggers act for a program or a colleague who is known:
//     bounds on sums, on who is written to and on what cannot be undone.
//   - Somebody at this machine (stdio, loopback without keys, the terminal) typed what is
//     done, could read and change the store and this file, and there is nobody else to ask.
//     So no approval is asked for; the effects that were granted still bound it.
func Defaults() []Rule {
	approve := func(name, when, reason string) Rule {
		return Rule{Name: name, When: when, Then: guard.Approve, Reason: reason, Terms: guard.Terms{Within: day}}
	}
	return []Rule{
		// First, so that most calls are through after one comparison: a read inside our own
		// systems tells nobody anything.
		{Name: "default/reads", When: `effect == "read" && !call.open_world`, Then: guard.Allow},
		approve("default/tainted-money", `run.tainted && effect == "money"`,
			"this run has read text from outside, and may not move money by itself"),
		approve("default/tainted-message", `run.tainted && effect == "message" && !facts.recipients_of_event`,
			"this run has read text from outside, and may by itself write only to customers that its event is about"),
		// Or the customer that an event is about is given another address first.
		approve("default/tainted-contact", `run.tainted && tool in ["crm_update_customer", "payment_update_customer"] && has(args.email)`,
			"this run has read text from outside, and may not by itself change where a customer is written to"),
		// A link carries data out as well as a mail does, and leads its reader astray.
		approve("default/tainted-address", `run.tainted && (call.open_world || effect == "message") && size(facts.new_addresses) > 0`,
			"this run has read text from outside, and the call names an outside address that is not one of ours (policy.hosts)"),
		{Name: "default/local", When: `call.local`, Then: guard.Allow},
		approve("default/refund-sum", `tool in ["payment_create_refund", "shop_create_refund"] && (facts.amount_minor > 50000 || facts.amount_minor > facts.payment.left_minor)`,
			"a refund of more than 500.00, or than is left of its payment, is a person's decision"),
		approve("default/refund-age", `tool in ["payment_create_refund", "shop_create_refund"] && facts.payment.age_days > 180`,
			"a refund of a payment of more than 180 days ago is a person's decision"),
		// Many small ones are a large one.
		approve("default/refund-day", `tool in ["payment_create_refund", "shop_create_refund"] && spent("payment_create_refund", "day", facts.currency) + spent("shop_create_refund", "day", facts.currency) + facts.amount_minor > 200000`,
			"refunds of this day come to more than 2,000.00 with this one"),
		// What is asked for can be large, but has to be a sum that is said.
		approve("default/money-sum", `effect == "money" && !(tool in ["payment_create_refund", "shop_create_refund", "payment_send_invoice"]) && (!facts.amount_known || facts.amount_minor > 1000000)`,
			"a call that moves more than 10,000.00, or of which nobody can say how much it moves, is a person's decision"),
		approve("default/unknown-recipient", `effect == "message" && !facts.recipients_known`,
			"somebody among the recipients is no customer"),
		approve("default/irreversible", `call.destructive && !call.mounted && effect != "money"`,
			"this cannot be undone"),
	}
}

const day = 24 * time.Hour
