package slack

import (
	"context"
	"strings"

	"github.com/slack-go/slack"

	"drawbridge/tools"
	"drawbridge/tools/notify"
)

// FindPerson finds who has an address.
func (b *Backend) FindPerson(ctx context.Context, email string) (notify.Person, error) {
	user, err := b.person(ctx, email)
	if err != nil {
		return notify.Person{}, err
	}
	outside, err := b.outsider(ctx, user)
	if err != nil {
		return notify.Person{}, err
	}
	name := user.Profile.RealName
	if name == "" {
		name = user.RealName
	}
	return notify.Person{ID: user.ID, Name: name, Email: email, Timezone: user.TZ, Outside: outside, Bot: user.IsBot}, nil
}

// person gives who has an address, or an id.
func (b *Backend) person(ctx context.Context, name string) (*slack.User, error) {
	if strings.Contains(name, "@") {
		user, err := read(ctx, b, methodEmail, func(ctx context.Context, api *slack.Client) (*slack.User, error) {
			return api.GetUserByEmailContext(ctx, name)
		})
		return known(user, name, err)
	}
	if !userForm.MatchString(name) {
		return nil, notify.NoSuchPerson(name)
	}
	user, err := read(ctx, b, methodUser, func(ctx context.Context, api *slack.Client) (*slack.User, error) {
		return api.GetUserInfoContext(ctx, name)
	})
	return known(user, name, err)
}

func known(user *slack.User, name string, err error) (*slack.User, error) {
	switch {
	case tools.CodeOf(err) == tools.NotFound:
		return nil, notify.NoSuchPerson(name)
	case err != nil:
		return nil, err
	case !userForm.MatchString(user.ID):
		return nil, tools.Errorf(tools.Unavailable, "Slack's answer cannot be read; nothing was changed. Try again later.")
	case user.Deleted:
		return nil, tools.Errorf(tools.Conflict, "the account of %q is deactivated; nothing was posted. Write to somebody else.", name)
	}
	return user, nil
}

// outsider reports whether somebody is a guest, or of another company.
func (b *Backend) outsider(ctx context.Context, user *slack.User) (bool, error) {
	if user.IsRestricted || user.IsUltraRestricted || user.IsStranger {
		return true, nil
	}
	ours, err := b.team(ctx)
	if err != nil {
		return false, err
	}
	sameOrganization := ours.enterprise != "" && user.Enterprise.EnterpriseID == ours.enterprise
	return user.TeamID != ours.id && !sameOrganization, nil
}

// admit gives whether a person is from outside, and refuses them if the settings do.
func (b *Backend) admit(ctx context.Context, user *slack.User) (outside bool, err error) {
	outside, err = b.outsider(ctx, user)
	if err == nil && outside && !b.traits.Outside {
		err = notify.FromOutside("person", "it is somebody from outside, or a guest")
	}
	return outside, err
}

// team is the workspace of the token, which is asked for once.
func (b *Backend) team(ctx context.Context) (team, error) {
	a := b.account.Load()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.team != nil {
		return *a.team, nil
	}
	said, err := read(ctx, b, methodAuth, func(ctx context.Context, _ *slack.Client) (*slack.AuthTestResponse, error) {
		return a.api.AuthTestContext(ctx)
	})
	if err != nil {
		return team{}, err
	}
	if said.TeamID == "" {
		return team{}, tools.Errorf(tools.Unavailable, "Slack's answer cannot be read; nothing was changed. Try again later.")
	}
	a.team = &team{said.TeamID, said.EnterpriseID}
	return *a.team, nil
}

// Colleague gives the address of a member of the workspace that Slack has confirmed; "" of
// guests, people of other workspaces, programs, deactivated accounts, and of whoever has
// not confirmed one.
func (b *Backend) Colleague(ctx context.Context, id string) (email string, err error) {
	user, err := b.person(ctx, id)
	switch code := tools.CodeOf(err); {
	case code == tools.NotFound, code == tools.Conflict:
		return "", nil
	case err != nil:
		return "", err
	}
	outside, err := b.outsider(ctx, user)
	if err != nil || outside || user.IsBot || user.IsAppUser || !user.IsEmailConfirmed || user.ID != id {
		return "", err
	}
	return strings.ToLower(user.Profile.Email), nil
}
