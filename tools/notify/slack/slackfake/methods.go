package slackfake

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

func (s *Server) authTest(url.Values) object {
	return object{"url": "https://fake.slack.com/", "team": "Fake", "user": "drawbridge", "team_id": Team, "user_id": Bot, "bot_id": "B0FAKEBOT"}
}

// target is the channel that something is posted in.
func (s *Server) target(form url.Values) (*Channel, string) {
	c := s.channelOf(form.Get("channel"))
	switch {
	case c == nil, c.Private && !c.Member:
		return nil, "channel_not_found"
	case c.Archived:
		return nil, "is_archived"
	case !c.Member && !slices.Contains(s.scopes, "chat:write.public"):
		return nil, "not_in_channel"
	}
	return c, ""
}

func (s *Server) postMessage(form url.Values) object {
	c, problem := s.target(form)
	text, thread := form.Get("text"), form.Get("thread_ts")
	switch {
	case problem != "":
		return refuse(problem)
	case text == "" && form.Get("blocks") == "":
		return refuse("no_text")
	case len(text) > 40_000:
		return refuse("msg_too_long")
	}
	if thread != "" {
		switch parent := s.messageOf(c, thread); {
		case parent == nil:
			return refuse("thread_not_found")
		case parent.Deleted:
			thread = "" // it stands on its own then
		}
	}
	m := s.put(c, Message{Thread: thread, Author: Bot, Text: text, Blocks: form.Get("blocks")})
	return object{"channel": c.ID, "ts": m.TS, "message": shown(m)}
}

func shown(m *Message) object {
	out := object{"type": "message", "user": m.Author, "text": m.Text, "ts": m.TS}
	if m.Author == Bot {
		out["bot_id"] = "B0FAKEBOT"
	}
	if m.Thread != "" {
		out["thread_ts"] = m.Thread
	}
	return out
}

func (s *Server) update(form url.Values) object {
	c, problem := s.target(form)
	if problem != "" {
		return refuse(problem)
	}
	m := s.messageOf(c, form.Get("ts"))
	switch {
	case m == nil || m.Deleted:
		return refuse("message_not_found")
	case m.Author != Bot:
		return refuse("cant_update_message")
	case form.Get("text") == "" && form.Get("blocks") == "":
		return refuse("no_text")
	}
	m.Text, m.Blocks = form.Get("text"), form.Get("blocks")
	m.Updates++
	return object{"channel": c.ID, "ts": m.TS, "text": m.Text, "message": shown(m)}
}

func (s *Server) whisper(form url.Values) object {
	c, problem := s.target(form)
	switch {
	case problem != "":
		return refuse(problem)
	case s.personOf(form.Get("user")) == nil:
		return refuse("user_not_in_channel")
	case form.Get("text") == "" && form.Get("blocks") == "":
		return refuse("no_text")
	}
	m := s.put(c, Message{Author: Bot, Text: form.Get("text"), Only: form.Get("user")})
	return object{"message_ts": m.TS}
}

func (c *Channel) shown() object {
	o := object{"id": c.ID, "name": c.Name, "name_normalized": c.Name, "created": epoch, "is_archived": c.Archived, "is_member": c.Member, "is_private": c.Private,
		"is_channel": !c.Private && c.With == "" && !c.Group, "is_group": c.Private, "is_im": c.With != "", "is_mpim": c.Group,
		"is_shared": c.Shared, "is_ext_shared": c.Shared, "is_org_shared": false, "is_pending_ext_shared": c.Invited,
		"topic": object{"value": "", "creator": "", "last_set": 0}, "purpose": object{"value": "", "creator": "", "last_set": 0}}
	if c.With != "" {
		o["user"] = c.With
		delete(o, "name")
	}
	return o
}

func (s *Server) list(form url.Values) object {
	types := strings.Split(form.Get("types"), ",")
	if form.Get("types") == "" {
		types = []string{"public_channel"}
	}
	var all []*Channel
	for _, c := range s.channels {
		kind := "public_channel"
		switch {
		case c.With != "":
			kind = "im"
		case c.Group:
			kind = "mpim"
		case c.Private:
			kind = "private_channel"
		}
		if slices.Contains(types, kind) && (!c.Private || c.Member) && !(c.Archived && form.Get("exclude_archived") == "true") {
			all = append(all, c)
		}
	}
	found, next, ok := paged(all, form, 100)
	if !ok {
		return refuse("invalid_cursor")
	}
	shown := []object{}
	for _, c := range found {
		shown = append(shown, c.shown())
	}
	return object{"channels": shown, "response_metadata": object{"next_cursor": next}}
}

// pageSize is how many things are in a page at most, however many are asked for: "fewer
// than requested may be returned".
const pageSize = 5

func paged[T any](all []T, form url.Values, usual int) (page []T, next string, ok bool) {
	from := 0
	if cursor := form.Get("cursor"); cursor != "" {
		raw, _ := base64.StdEncoding.DecodeString(cursor) // of what is none, nothing is left
		var err error
		if from, err = strconv.Atoi(strings.TrimPrefix(string(raw), "from:")); err != nil || from < 0 || from > len(all) {
			return nil, "", false
		}
	}
	limit, err := strconv.Atoi(form.Get("limit"))
	if err != nil {
		limit = usual
	}
	end := min(from+min(limit, pageSize), len(all))
	if end < len(all) {
		next = base64.StdEncoding.EncodeToString([]byte("from:" + strconv.Itoa(end)))
	}
	return all[from:end], next, true
}

// scope is the scope by which a token sees a conversation of this kind.
func (c *Channel) scope(what string) string {
	switch {
	case c.With != "":
		return "im:" + what
	case c.Group:
		return "mpim:" + what
	case c.Private:
		return "groups:" + what
	}
	return "channels:" + what
}

func (s *Server) info(form url.Values) object {
	c := s.channelOf(form.Get("channel"))
	if c == nil || c.Private && !c.Member {
		return refuse("channel_not_found")
	}
	if scope := c.scope("read"); !slices.Contains(s.scopes, scope) {
		return object{"ok": false, "error": "missing_scope", "needed": scope}
	}
	return object{"channel": c.shown()}
}

func (s *Server) open(form url.Values) object {
	id := form.Get("users")
	p := s.personOf(id)
	switch {
	case p == nil:
		return refuse("user_not_found")
	case p.Deactivated:
		return refuse("user_disabled")
	case p.ID == Bot:
		return refuse("cannot_dm_bot")
	}
	for _, c := range s.channels {
		if c.With == id {
			return object{"channel": object{"id": c.ID}, "already_open": true, "no_op": true}
		}
	}
	c := s.add(Channel{ID: "D" + id[1:], With: id, Member: true})
	return object{"channel": object{"id": c.ID}}
}

func (s *Server) replies(form url.Values) object {
	c := s.channelOf(form.Get("channel"))
	switch {
	case c == nil || c.Private && !c.Member:
		return refuse("channel_not_found")
	case !c.Member:
		return refuse("not_in_channel")
	case !slices.Contains(s.scopes, c.scope("history")):
		return object{"ok": false, "error": "missing_scope", "needed": c.scope("history")}
	}
	var all []*Message
	for _, m := range c.messages {
		if (m.TS == form.Get("ts") || m.Thread == form.Get("ts")) && !m.Deleted && m.Only == "" {
			all = append(all, m)
		}
	}
	if len(all) == 0 {
		return refuse("thread_not_found")
	}
	found, next, ok := paged(all, form, 1000)
	if !ok {
		return refuse("invalid_cursor")
	}
	out := []object{}
	for _, m := range found {
		out = append(out, shown(m))
	}
	return object{"messages": out, "has_more": next != "", "response_metadata": object{"next_cursor": next}}
}

func (p *Person) shown(mail bool) object {
	profile := object{"real_name": p.Name, "display_name": ""}
	if mail && p.Email != "" {
		profile["email"] = p.Email
	}
	return object{"id": p.ID, "team_id": p.Team, "name": strings.ToLower(p.Name), "real_name": p.Name, "deleted": p.Deactivated, "tz": "Europe/Berlin", "profile": profile,
		"is_bot": p.Bot, "is_restricted": p.Guest, "is_ultra_restricted": false, "is_stranger": false, "is_app_user": false, "is_email_confirmed": !p.Unconfirmed}
}

func (s *Server) user(form url.Values) object {
	if p := s.personOf(form.Get("user")); p != nil {
		return object{"user": p.shown(slices.Contains(s.scopes, "users:read.email"))}
	}
	return refuse("user_not_found")
}

func (s *Server) lookupByEmail(form url.Values) object {
	for _, p := range s.people {
		if p.Email != "" && strings.EqualFold(p.Email, form.Get("email")) && !p.Deactivated && p.Team == Team {
			return object{"user": p.shown(true)}
		}
	}
	return refuse("users_not_found")
}
