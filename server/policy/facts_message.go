package policy

import (
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// addressed are the arguments that say whom something goes to. An answer's address is one
// of them: what is written there leaves as well.
var addressed = []string{"to", "cc", "bcc", "reply_to", "recipient", "recipients", "email", "address", "addresses"}

// recipients are the addresses that a message goes to, in lower case, each once.
func (v *view) recipients() ([]string, error) {
	return once(v, "recipients", func() ([]string, error) {
		from := v.q.Arguments
		if draft, err := v.draft(); err != nil {
			return nil, err
		} else if draft != nil {
			from = draft
		}
		object, _ := from.(map[string]any)
		var found []string
		for _, name := range addressed {
			switch value := object[name].(type) {
			case nil:
			case string:
				found = append(found, value)
			case []any:
				for _, one := range value {
					text, ok := one.(string)
					if !ok {
						return nil, &factError{"facts.recipients", "a recipient is no text"}
					}
					found = append(found, text)
				}
			default:
				return nil, &factError{"facts.recipients", "a recipient is no text"}
			}
		}
		if v.ofShop() {
			order, err := v.order()
			if err != nil {
				return nil, err
			}
			found = append(found, order.Customer.Email)
		}
		return addresses(found)
	})
}

func addresses(found []string) ([]string, error) {
	var list []string
	for _, text := range found {
		if strings.TrimSpace(text) == "" {
			continue
		}
		parsed, err := mail.ParseAddress(text)
		if err != nil {
			return nil, &factError{"facts.recipients", "a recipient is no mail address"}
		}
		if address := strings.ToLower(parsed.Address); !slices.Contains(list, address) {
			list = append(list, address)
		}
	}
	if len(list) == 0 {
		return nil, &factError{"facts.recipients", "it cannot be told whom the message goes to"}
	}
	return list, nil
}

// draft is the message that a call sends without having it among its arguments, or nil.
func (v *view) draft() (any, error) {
	if v.q.Tool.Name != "email_send_draft" {
		return nil, nil
	}
	return once(v, "draft", func() (any, error) {
		var message any
		if err := v.ask(getMessage, map[string]any{"id": member(v.q.Arguments, "id")}, &message); err != nil {
			return nil, &factError{"facts.recipients", err.Error()}
		}
		return message, nil
	})
}

func (v *view) recipientsKnown() (any, error) {
	to, err := v.recipients()
	if err != nil {
		return nil, err
	}
	for _, address := range to {
		known, err := v.known(address)
		if err != nil {
			return nil, &factError{"facts.recipients_known", err.Error()}
		}
		if known == nil {
			return false, nil
		}
	}
	return true, nil
}

func (v *view) recipientsOfEvent() (any, error) {
	to, err := v.recipients()
	if err != nil {
		return nil, err
	}
	customers, err := v.eventCustomers()
	if err != nil {
		return nil, err
	}
	return !slices.ContainsFunc(to, func(address string) bool { return !slices.Contains(customers, address) }), nil
}

// maxCustomers is how many customers an event can be about.
const maxCustomers = 10

// eventCustomers are the mail addresses of the customers that the run's event is about.
// Each is one that the event names where events name their customer, and that the CRM knew
// before the event came: who was entered by what the event says is none.
func (v *view) eventCustomers() ([]string, error) {
	return once(v, "event", func() ([]string, error) {
		if v.q.Run == "" || v.policy.options.Subject == nil {
			return nil, nil
		}
		subject, err := v.policy.options.Subject(v.ctx, v.q.Run)
		if err != nil {
			return nil, &factError{"facts.recipients_of_event", "the run's event cannot be read"}
		}
		if len(subject.Customers) > maxCustomers {
			return nil, &factError{"facts.recipients_of_event", "the event names too many customers"}
		}
		var list []string
		for _, reference := range subject.Customers {
			known, err := v.known(reference)
			if err != nil {
				return nil, &factError{"facts.recipients_of_event", err.Error()}
			}
			if known != nil && known.Email != "" && known.CreatedAt.Before(subject.Since) {
				list = append(list, strings.ToLower(known.Email))
			}
		}
		return list, nil
	})
}

// host is an address as texts have it: behind a scheme, or as mail programs make links of
// it themselves, with www or a path; and a mail address.
var host = regexp.MustCompile(`(?i)(?:[a-z][a-z0-9+.-]*:)?(?://|\\\\)([^\s/\\?#"'<>()\[\]{},|]+)|\b(www\.[^\s/\\?#"'<>()\[\]{},|]+)|\b((?:[a-z0-9-]+\.)+[a-z]{2,}):?\d*/|mailto:([^\s?"'<>]+)`)

// mayNameHost reports whether a text has what every host in it comes with: a slash of either
// kind, a colon, or www. Most texts have none, and need not be searched.
func mayNameHost(text string) bool {
	if strings.ContainsAny(text, `/\:`) {
		return true
	}
	for i := range len(text) - 3 {
		if text[i]|0x20 == 'w' && text[i+3] == '.' && strings.EqualFold(text[i:i+3], "www") {
			return true
		}
	}
	return false
}

// newAddresses are the hosts that the arguments name and that are not ours, nor those of
// the message's own recipients in the places that say who they are.
func (v *view) newAddresses() (any, error) {
	list := []string{}
	note := func(found string) {
		if !v.ours(found) && !slices.Contains(list, found) {
			list = append(list, found)
		}
	}
	scan := func(text string) {
		text = strings.Map(visible, text)
		if !mayNameHost(text) {
			return
		}
		for _, match := range host.FindAllStringSubmatch(text, -1) {
			for _, found := range match[1:] {
				if found != "" {
					note(bare(found))
				}
			}
		}
	}
	texts(v.q.Arguments, scan)
	draft, err := v.draft()
	if err != nil {
		return nil, &factError{"facts.new_addresses", "the draft cannot be read"}
	}
	if draft != nil {
		for _, name := range []string{"subject", "text"} {
			scan(member(draft, name))
		}
		if object, _ := draft.(map[string]any); object["has_html"] == true {
			note("html that is not shown") // nobody can say where it leads
		}
	}
	slices.Sort(list)
	return list, nil
}

// bare is a host without user, port and case.
func bare(found string) string {
	if at := strings.LastIndex(found, "@"); at >= 0 {
		found = found[at+1:]
	}
	name, _, _ := strings.Cut(found, ":")
	return strings.ToLower(strings.Trim(name, "."))
}

// visible leaves out what is not seen and only hides a word from a search.
func visible(r rune) rune {
	if r >= 0x80 && unicode.Is(unicode.Cf, r) {
		return -1
	}
	return r
}

func (v *view) ours(found string) bool {
	return slices.ContainsFunc(v.policy.options.Hosts, func(own string) bool {
		own = strings.ToLower(own)
		return found == own || strings.HasSuffix(found, "."+own)
	})
}
