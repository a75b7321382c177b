package config

import (
	"maps"
	"slices"
)

// otherSources are what runs come from besides webhooks. A webhook of such a name could
// not be told from it, in lists and by its retention.
var otherSources = map[string]string{
	"api":      "runs that programs start are said to come from api",
	"chat":     "what is said to agents is said to come from chat",
	"cli":      "runs of `drawbridge run` are said to come from cli",
	"schedule": "runs of a schedule are said to come from schedule/NAME",
}

func (k *checker) checkWebhooks() {
	for _, name := range slices.Sorted(maps.Keys(k.Webhooks)) {
		path, webhook := child("webhooks", name), k.Webhooks[name]
		k.checkName(path, name)
		if meant := otherSources[name]; meant != "" {
			k.refuse(path, "%s is taken: %s", k.show(path, name), meant)
		}
		k.checkScheme(path, webhook)
		k.checkSecrets(path+".secrets", webhook)
		k.checkRoutes(path, name, webhook)
		k.checkBound(path, webhook.Tools, webhook.Effects)
		between(k, path+".max_body", webhook.MaxBody, KiB, 64*MiB)
		k.checkIntake(path, name, webhook)
		if webhook.Retention != 0 {
			k.checkAge(path+".retention", webhook.Retention, leastAge)
		}
	}
}
