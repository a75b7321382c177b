package notifytest

import (
	"slices"
	"strings"

	"drawbridge/tools"
	"drawbridge/tools/notify"
)

var postTests = map[string]func(*suite){
	"PostStandsInTheChannel":               posts,
	"NameAndIDAreOneChannel":               namesAndIDs,
	"ReplyStandsUnderItsMessage":           replies,
	"ReplyToNothingIsNotFound":             replyToNothing,
	"ReplyToWhatIsGoneSaysSo":              replyToGone,
	"TextMeansItself":                      textMeansItself,
	"TextCallsNobody":                      textCallsNobody,
	"MentionCallsThosePeople":              mentions,
	"MentionOfNobodyIsInvalid":             mentionsNobody,
	"WholeChannelIsCalledOnlyIfAllowed":    broadcasts,
	"TextIsBounded":                        bounds,
	"ChannelThatIsNotThereIsNotFound":      noChannel,
	"ChannelWeAreNotInAsksForAnInvitation": notInvited,
	"ArchivedChannelIsAConflict":           archived,
}

func posts(s *suite) {
	id := s.room(Room{Name: "orders"})
	first := do[notify.Posted](s, notify.ToolPost, args{"channel": "#orders", "text": "Order 1042 is late."})
	second := do[notify.Posted](s, notify.ToolPost, args{"channel": "#orders", "text": "So is 1043."})
	if first.Channel != id || first.ChannelName != "orders" || first.MessageID == "" || first.ThreadID != first.MessageID || first.SentAt.IsZero() || first.Outside || first.Note != "" {
		s.Errorf("posted %+v in %s", first, id)
	}
	if second.MessageID == first.MessageID {
		s.Errorf("two messages are one: %+v", second)
	}
	all := s.heard(id)
	if len(all) != 2 || all[0].ID != first.MessageID || all[0].Text != "Order 1042 is late." || all[0].Thread != "" || len(all[0].Calls) != 0 || all[1].Text != "So is 1043." {
		s.Errorf("in the channel stand %+v", all)
	}
}

func namesAndIDs(s *suite) {
	for _, r := range []Room{{Name: "aaa"}, {Name: "bbb"}, {Name: "ccc"}, {Name: "ddd"}, {Name: "eee"}, {Name: "fff"}, {Name: "ggg"}} {
		s.room(r)
	}
	id := s.room(Room{Name: "orders-eu", Private: true}) // behind a page or two
	s.room(Room{Name: "orders"})
	for _, name := range []string{"orders-eu", "#orders-eu", id, " #Orders-EU "} {
		if got := do[notify.Posted](s, notify.ToolPost, args{"channel": name, "text": "x"}); got.Channel != id || got.ChannelName != "orders-eu" {
			s.Errorf("%q is %+v", name, got)
		}
	}
	if all := s.heard(id); len(all) != 4 {
		s.Errorf("in the channel stand %+v", all)
	}
}

func replies(s *suite) {
	id := s.room(Room{Name: "orders"})
	first := do[notify.Posted](s, notify.ToolPost, args{"channel": id, "text": "Order 1042 is late."})
	answer := do[notify.Posted](s, notify.ToolReply, args{"channel": "orders", "thread_id": first.ThreadID, "text": "It has arrived."})
	if answer.ThreadID != first.ThreadID || answer.MessageID == first.MessageID || answer.Channel != id || answer.Note != "" {
		s.Errorf("answered %+v to %+v", answer, first)
	}
	all := s.heard(id)
	if len(all) != 2 || all[1].Thread != first.MessageID || all[1].Text != "It has arrived." {
		s.Errorf("in the channel stand %+v", all)
	}
}

func replyToNothing(s *suite) {
	id := s.room(Room{Name: "orders"})
	for _, thread := range []string{"1234567890.000001", "x", "1"} {
		s.refused(tools.NotFound, notify.ToolReply, args{"channel": id, "thread_id": thread, "text": "x"}, "thread_id")
	}
	s.refused(tools.Invalid, notify.ToolReply, args{"channel": id, "thread_id": " ", "text": "x"}, "thread_id:")
	if all := s.heard(id); len(all) != 0 {
		s.Errorf("in the channel stand %+v", all)
	}
}

func replyToGone(s *suite) {
	id := s.room(Room{Name: "orders"})
	first := do[notify.Posted](s, notify.ToolPost, args{"channel": id, "text": "x"})
	if err := s.Delete(s.Context(), id, first.MessageID); err != nil {
		s.Fatal(err)
	}
	answer, err := attempt[notify.Posted](s.Context(), s, notify.ToolReply, args{"channel": id, "thread_id": first.ThreadID, "text": "y"})
	all := s.heard(id)
	switch {
	case err != nil:
		if tools.CodeOf(err) != tools.NotFound || len(all) != 0 {
			s.Errorf("refused with %v, and there stand %+v", err, all)
		}
	case answer.Note == "" || answer.ThreadID != answer.MessageID || len(all) != 1 || all[0].Thread != "":
		s.Errorf("posted %+v, and there stand %+v", answer, all)
	}
}

func textMeansItself(s *suite) {
	id := s.room(Room{Name: "orders"})
	texts := []string{
		"a < b && c > d", "&lt;b&gt; &amp;", "<https://evil.example|our bank>", "*bold* _italic_ `code` ~gone~", "> quoted\n\nlast line", "1 < 2", "ümläut 注文 🚚",
		"<", ">", "&", "{\"blocks\": [{\"type\": \"actions\"}]}", "```\nfenced <a>\n```", "https://example.com/a?b=c&d=e",
	}
	for _, text := range texts {
		do[notify.Posted](s, notify.ToolPost, args{"channel": id, "text": text})
	}
	all := s.heard(id)
	if len(all) != len(texts) {
		s.Fatalf("in the channel stand %+v", all)
	}
	for i, text := range texts {
		if all[i].Text != text || len(all[i].Calls) != 0 {
			s.Errorf("%q is read as %q, and calls %q", text, all[i].Text, all[i].Calls)
		}
	}
}

func textCallsNobody(s *suite) {
	id, who := s.room(Room{Name: "orders"}), s.person(ada)
	first := do[notify.Posted](s, notify.ToolPost, args{"channel": id, "text": "x"})
	for _, text := range []string{"<!channel> look", "<!here>", "<!everyone>", "<@" + who + ">", "<!subteam^S0123ABCD>", "<#" + id + ">", "@channel @here @everyone @ada", "&lt;!channel&gt;"} {
		do[notify.Posted](s, notify.ToolPost, args{"channel": id, "text": text})
		do[notify.Posted](s, notify.ToolReply, args{"channel": id, "thread_id": first.ThreadID, "text": text})
		direct := do[notify.Posted](s, notify.ToolDirect, args{"person": who, "text": text})
		for _, place := range []string{id, direct.Channel} {
			for _, m := range s.heard(place) {
				if len(m.Calls) != 0 {
					s.Errorf("%q calls %q", text, m.Calls)
				}
			}
		}
	}
}

func mentions(s *suite) {
	id, who, other := s.room(Room{Name: "orders"}), s.person(ada), s.person(Person{Name: "Ben", Email: "ben@example.com"})
	do[notify.Posted](s, notify.ToolPost, args{"channel": id, "text": "Please look.", "mention": []string{who, other, who}})
	all := s.heard(id)
	if len(all) != 1 || !slices.Equal(all[0].Calls, []string{who, other}) || all[0].Text != "Please look." {
		s.Errorf("in the channel stand %+v", all)
	}
}

func mentionsNobody(s *suite) {
	id := s.room(Room{Name: "orders"})
	for _, name := range []string{"", " ", "ada", "!channel", "U1> <!channel", "<@U0123ABCD>"} {
		s.refused(tools.Invalid, notify.ToolPost, args{"channel": id, "text": "x", "mention": []string{name}}, "mention")
	}
	s.refused(tools.Invalid, notify.ToolPost, args{"channel": id, "text": "x", "mention": make([]string, 21)}, "mention")
	if all := s.heard(id); len(all) != 0 {
		s.Errorf("in the channel stand %+v", all)
	}
}

func broadcasts(s *suite) {
	id := s.room(Room{Name: "orders"})
	do[notify.Posted](s, notify.ToolPost, args{"channel": id, "text": "x", "broadcast": "none"})
	s.refused(tools.Invalid, notify.ToolPost, args{"channel": id, "text": "x", "broadcast": "everyone"}, "broadcast:")
	for _, whom := range []string{notify.Here, notify.Everybody} {
		in := args{"channel": id, "text": "The shop is down.", "broadcast": whom}
		if !s.traits.Broadcasts {
			s.refused(tools.Denied, notify.ToolPost, in, "broadcast:", "nothing was posted")
			continue
		}
		do[notify.Posted](s, notify.ToolPost, in)
		if all := s.heard(id); !slices.Equal(all[len(all)-1].Calls, []string{whom}) {
			s.Errorf("%s calls %q", whom, all[len(all)-1].Calls)
		}
	}
	if all := s.heard(id); len(all[0].Calls) != 0 || !s.traits.Broadcasts && len(all) != 1 {
		s.Errorf("in the channel stand %+v", all)
	}
}

func bounds(s *suite) {
	id, who := s.room(Room{Name: "orders"}), s.person(ada)
	first := do[notify.Posted](s, notify.ToolPost, args{"channel": id, "text": strings.Repeat("<", 4000)})
	if all := s.heard(id); all[0].Text != strings.Repeat("<", 4000) {
		s.Errorf("a text of 4000 characters came as one of %d", len(all[0].Text))
	}
	for text, says := range map[string]string{"": "text:", " \n ": "text:", strings.Repeat("ü", 4001): "4000", "a\x00b": "control", "a\x1b[31mb": "control"} {
		s.refused(tools.Invalid, notify.ToolPost, args{"channel": id, "text": text}, says)
		s.refused(tools.Invalid, notify.ToolReply, args{"channel": id, "thread_id": first.ThreadID, "text": text}, says)
		s.refused(tools.Invalid, notify.ToolDirect, args{"person": who, "text": text}, says)
	}
	if all := s.heard(id); len(all) != 1 {
		s.Errorf("%d messages stand in the channel", len(all))
	}
}

func noChannel(s *suite) {
	s.room(Room{Name: "orders"})
	s.room(Room{Name: "secret", Private: true, Stranger: true})
	for _, name := range []string{"order", "ordersx", "#nonesuch", "C0123456789", "secret"} {
		s.refused(tools.NotFound, notify.ToolPost, args{"channel": name, "text": "x"}, "channel", notify.ToolList)
	}
	for _, name := range []string{"", "#", " ", "two words"} {
		s.refused(tools.Invalid, notify.ToolPost, args{"channel": name, "text": "x"}, "channel:")
	}
}

func notInvited(s *suite) {
	id := s.room(Room{Name: "orders", Stranger: true})
	s.refused(tools.Denied, notify.ToolPost, args{"channel": "#orders", "text": "x"}, "invite")
	if all := s.heard(id); len(all) != 0 {
		s.Errorf("in the channel stand %+v", all)
	}
}

func archived(s *suite) {
	id := s.room(Room{Name: "old", Archived: true})
	s.refused(tools.Conflict, notify.ToolPost, args{"channel": id, "text": "x"}, "archived")
	if all := s.heard(id); len(all) != 0 {
		s.Errorf("in the channel stand %+v", all)
	}
}
