package main

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"regexp"
)

// tool is one of the far side's.
type tool struct {
	name   string
	effect string // read, write, message or money
	// keyed: it honours the idempotency key of a call: a repeated one takes effect once.
	keyed bool
	// unknown is what the nodes are to do about a call whose answer was lost.
	unknown string
	text    string
}

// farTools are what the fake CRM, payments and mail offer.
var farTools = []tool{
	{"crm_find_customer", "read", true, "", "Finds a customer."},
	{"payment_get", "read", true, "", "Gives the latest payment of a customer."},
	{"crm_add_note", "write", true, "retry", "Adds a note to a customer."},
	{"payment_refund", "money", true, "retry", "Refunds a customer's latest payment."},
	{"crm_raise_score", "write", false, "check", "Raises the score of a customer by one, each time it is called."},
	{"mail_send", "message", false, "ask", "Sends a mail to a customer."},
}

// lookUp tells whether a step took effect. Nodes call it about what is to be checked, and
// the model never does.
var lookUp = tool{"crm_journal", "read", true, "", "Tells whether a step was done."}

// mount is the name under which the nodes mount the far side.
const mount = "far"

func (t tool) reads() bool { return t.effect == "read" }

// step is a call that the model will ask for: its name is unique in its event.
type step struct {
	name string
	tool tool
}

// plan is what the model does about an event, turn by turn. It follows from the event's
// key alone, so that whoever asks again is answered the same.
func plan(event string) [][]step {
	random := seeded(event)
	turns := make([][]step, 1+random.IntN(3)) // and an answer behind them
	writes := 0
	for t := range turns {
		for i := range 1 + random.IntN(2) {
			chosen := farTools[random.IntN(len(farTools))]
			if t == len(turns)-1 && writes == 0 {
				chosen = farTools[2+random.IntN(len(farTools)-2)]
			}
			if !chosen.reads() {
				writes++
			}
			turns[t] = append(turns[t], step{fmt.Sprintf("%d%c", t+1, 'a'+i), chosen})
		}
	}
	return turns
}

// seeded is chance that follows from a text.
func seeded(text string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // never fails
	return rand.New(rand.NewPCG(h.Sum64(), uint64(len(text))))
}

// eventKey finds the key of an event in a text about it.
var eventKey = regexp.MustCompile(`ev_[a-z0-9]+_[0-9]{6}`)
