package webhook

// githubScheme follows "Validating webhook deliveries" in GitHub's manual. GitHub
// signs the body alone: there is no timestamp, so no replay window, and the
// delivery id is not signed either. The id is still the right key, because a
// redelivery repeats it and two events may have equal bodies.
var githubScheme = scheme{
	name: GitHub,
	forms: []form{{
		names:  spelling{signature: "X-Hub-Signature-256", id: "X-Github-Delivery"},
		signed: []string{bodyField},
		ways:   []way{{"sha256=", hexEncoding, hmacSHA256}},
	}},
	readKey: textKey,
	keep: []string{
		"X-Github-Event", "X-Github-Hook-Id",
		"X-Github-Hook-Installation-Target-Id", "X-Github-Hook-Installation-Target-Type",
	},
}
