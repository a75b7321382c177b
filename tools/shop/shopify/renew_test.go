package shopify_test

import (
	"testing"

	"drawbridge/tools"
	"drawbridge/tools/shop"
	"drawbridge/tools/shop/shopify"
	"drawbridge/tools/shop/shopify/shopifyfake"
	"drawbridge/tools/shop/shoptest"
)

func TestNewCredentialsAreOfTheNextRequest(t *testing.T) {
	for name, s := range map[string]store{
		"token": openWith(t, func(s *shopify.Settings) { s.Token = "shpat_old" }),
		"client": openWith(t, func(s *shopify.Settings) {
			s.Token, s.ClientID, s.ClientSecret = "", shopifyfake.Client, "shpss_old"
		}),
	} {
		in := map[string]any{"order": s.Place(shoptest.Order{Name: "#1", Lines: []shoptest.Line{{Title: "Cup", Quantity: 1, PriceMinor: 1}}})}
		if _, err := s.call(t.Context(), "", shop.ToolGetOrder, in); tools.CodeOf(err) != tools.Denied {
			t.Errorf("%s: with the old one: %v", name, err)
		}
		if name == "token" {
			s.SetCredentials(shopifyfake.Token, "")
		} else {
			s.SetCredentials("", shopifyfake.Secret)
		}
		if _, err := s.call(t.Context(), "", shop.ToolGetOrder, in); err != nil {
			t.Errorf("%s: with the new one: %v", name, err)
		}
	}
}
