package config

import (
	"maps"
	"slices"
)

func (k *checker) checkWebhooks() {
	for _, name := range slices.Sorted(maps.Keys(k.Webhooks)) {
		path, webhook := child("webhooks", name), k.Webhooks[name]
		k.checkName(path, name)
		if name == "schedule" {
			k.refuse(path, "%s is taken: runs of a schedule are said to come from schedule/NAME", k.show(path, name))
		}
		k.checkScheme(path, webhook)
		k.checkSecrets(path+".secrets", webhook)
		k.checkRoutes(path, name, webhook)
		between(k, path+".max_body", webhook.MaxBody, KiB, 64*MiB)
		k.checkIntake(path, webhook)
		if webhook.Retention != 0 {
			k.checkAge(path+".retention", webhook.Retention, leastAge)
		}
	}
}
