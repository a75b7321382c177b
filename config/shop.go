package config

import (
	"regexp"
	"strings"
)

// ShopBackend names the backend of the shop, and the store there; without one there are no
// tools for it.
type ShopBackend struct {
	Backend string `yaml:"backend"` // shopify, or "" for none
	// Store is the store's own name at Shopify: NAME.myshopify.com.
	Store string `yaml:"store"`
	// Token is an access token of the Admin API.
	Token Secret `yaml:"token"`
	// ClientID and ClientSecret are of an app of the store's own organization, for which
	// tokens are fetched, instead of one.
	ClientID     string `yaml:"client_id"`
	ClientSecret Secret `yaml:"client_secret"`
	// BaseURL is where the store's API is, if not at Store: of a fake.
	BaseURL string `yaml:"base_url"`
}

var (
	shopifyStore = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*\.myshopify\.com$`)
	visible      = regexp.MustCompile(`^[!-~]+$`)
)

func (k *checker) checkShop() {
	const at = "tools.shop."
	s := k.Tools.Shop
	if s.Backend == "" {
		for name, given := range map[string]bool{"store": s.Store != "", "token": s.Token != "", "client_id": s.ClientID != "", "client_secret": s.ClientSecret != "", "base_url": s.BaseURL != ""} {
			if given {
				k.refuse(at+name, "there is no backend that has this setting; set backend: shopify, or leave it out")
			}
		}
		return
	}
	if s.Backend != "shopify" {
		k.oneOf(at+"backend", s.Backend, "shopify")
		return
	}
	switch {
	case s.Token == "" && s.ClientID == "" && s.ClientSecret == "":
		k.refuse(at+"token", "backend shopify needs an access token such as ${SHOPIFY_TOKEN}, or client_id and client_secret")
	case s.Token != "" && (s.ClientID != "" || s.ClientSecret != ""):
		k.refuse(at+"token", "there is a client as well; give an access token, or client_id and client_secret")
	case s.Token == "" && s.ClientID == "":
		k.refuse(at+"client_id", "client_secret needs it beside it")
	case s.Token == "" && s.ClientSecret == "":
		k.refuse(at+"client_secret", "client_id needs it beside it, such as ${SHOPIFY_CLIENT_SECRET}")
	case s.Token != "" && !visible.MatchString(s.Token.Reveal()):
		k.refuse(at+"token", "this is no access token: it has blanks, or characters that no header can carry")
	}
	if s.BaseURL == "" {
		if !shopifyStore.MatchString(s.Store) {
			k.refuse(at+"store", "want the store's own name at Shopify, such as example.myshopify.com")
		}
		return
	}
	if s.Store != "" {
		k.refuse(at+"store", "base_url says where the store is; give one of them")
	}
	if u := k.checkBaseURL(at+"base_url", s.BaseURL); u != nil && unencrypted(u) {
		k.refuse(at+"base_url", "want https: the token could be read on the way; http is for this machine alone")
	}
}

// URL is where the store's API is.
func (s ShopBackend) URL() string {
	if s.BaseURL != "" {
		return strings.TrimSuffix(s.BaseURL, "/")
	}
	return "https://" + s.Store
}

// explainShop says which store is asked, and how it is signed in to.
func (c *Config) explainShop() string {
	s := c.Tools.Shop
	way := "with an access token"
	if s.ClientID != "" {
		way = "with tokens that are fetched for a client"
	}
	if s.BaseURL != "" {
		return "the store at " + c.publicPartAt("tools.shop.base_url", s.BaseURL) + ", " + way
	}
	return c.asWritten("tools.shop.store", s.Store) + ", " + way
}
