package salesforce

import (
	"context"
	"strings"

	"drawbridge/tools"
)

// Who takes care of something is the owner of its record: one of the organization's users,
// by the email address, or a queue, by its name. What belongs to the user that we sign in as
// belongs to nobody in particular. Where the settings name a text field for it, that is used
// instead, and holds whatever is written there.

// assigned puts who is to take care into a record. Queues are for tickets and tasks.
func (b *Backend) assigned(ctx context.Context, body map[string]any, of, argument, who string, queues bool) error {
	if field := b.fields[of]; field != "" {
		body[field] = orNull(who)
		return nil
	}
	id, err := b.whoIs(ctx, argument, who, queues)
	body["OwnerId"] = id
	return err
}

// whoIs is the id of a user or queue; nobody is us.
func (b *Backend) whoIs(ctx context.Context, argument, who string, queues bool) (string, error) {
	if who == "" {
		signed, err := b.session.get(ctx)
		if err != nil {
			return "", b.readError(b.noToken(err))
		}
		if signed.user == "" {
			return "", tools.Errorf(tools.Invalid, "%s: Salesforce needs somebody; give a user", argument)
		}
		return signed.user, nil
	}
	queries := []string{one("User", []string{"Id", "Name", "Email", "Username"}, "IsActive = true AND "+
		either("Username = "+quote(who), "Email = "+quote(who), "Name = "+quote(who))) + " ORDER BY Username LIMIT 20"}
	if queues {
		queries = append(queries, one("Group", []string{"Id", "Name"}, "Type = 'Queue' AND "+either("Name = "+quote(who), "DeveloperName = "+quote(who)))+" ORDER BY Name LIMIT 20")
	}
	found, err := b.ask(ctx, queries...)
	if err != nil {
		return "", err
	}
	return bestOf(argument, who, found)
}

func bestOf(argument, who string, found [][]record) (string, error) {
	for _, field := range []string{"Username", "Email", "Name"} {
		var ids []string
		for _, rows := range found {
			for _, r := range rows {
				if strings.EqualFold(r.text(field), who) {
					ids = append(ids, r.text("Id"))
				}
			}
		}
		switch len(ids) {
		case 0:
		case 1:
			return ids[0], nil
		default:
			return "", tools.Errorf(tools.Conflict, "%s: %q is several users or queues of Salesforce; give a user name", argument, who)
		}
	}
	for _, rows := range found {
		if len(rows) == 1 {
			return rows[0].text("Id"), nil // a queue, by the name that programs know it by
		}
	}
	return "", tools.Errorf(tools.NotFound, "%s: Salesforce has no active user or queue %q; give the email address of one, or leave it out", argument, who)
}

// assignee is who takes care of a record, "" for nobody in particular.
func (b *Backend) assignee(ctx context.Context, r record, of string) string {
	if field := b.fields[of]; field != "" {
		return r.text(field)
	}
	if signed, err := b.session.get(ctx); err == nil && r.text("OwnerId") == signed.user {
		return ""
	}
	if r.text("Owner.Type") == "Queue" || r.text("Owner.Email") == "" {
		return r.text("Owner.Name")
	}
	return r.text("Owner.Email")
}

// ownerFields are those of a query that assignee reads.
func (b *Backend) ownerFields(of string, queues bool) []string {
	if field := b.fields[of]; field != "" {
		return []string{field}
	}
	fields := []string{"OwnerId", "Owner.Name", "Owner.Email"}
	if queues {
		fields = append(fields, "Owner.Type")
	}
	return fields
}

// ofAssignee lets through what somebody takes care of. It reports false where nobody is
// called that, and so nothing can be found.
func (b *Backend) ofAssignee(ctx context.Context, where *conditions, of, argument, who string, queues bool) (bool, error) {
	if who == "" {
		return true, nil
	}
	if field := b.fields[of]; field != "" {
		where.is(field, who)
		return true, nil
	}
	id, err := b.whoIs(ctx, argument, who, queues)
	if tools.CodeOf(err) == tools.NotFound {
		return false, nil
	}
	where.is("OwnerId", id)
	return true, err
}
