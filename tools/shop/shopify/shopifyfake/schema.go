package shopifyfake

import _ "embed"

// Schema is what the store serves: a small part of Shopify's Admin API, version 2026-07,
// written from its documented shapes. What is not in it is refused, as Shopify refuses what
// it does not know.
//
//go:embed schema.graphql
var Schema string
