package config

import "slices"

// TLS is the server's own certificate, and whose clients may have one, as files in PEM.
type TLS struct {
	Certificate string `yaml:"certificate"` // and those between it and its root
	Key         string `yaml:"key"`
	// ClientCA has the authorities whose certificates [Auth].Certificates are about.
	ClientCA string `yaml:"client_ca"`
}

func (k *checker) checkTLS() {
	t := k.Server.TLS
	if t == nil {
		return
	}
	if t.Certificate == "" {
		k.refuse("server.tls.certificate", "no file with the certificate; want one in PEM")
	}
	if t.Key == "" {
		k.refuse("server.tls.key", "no file with the certificate's key; want one in PEM")
	}
	if t.ClientCA != "" && len(k.Auth.Certificates) == 0 {
		k.refuse("server.tls.client_ca", "no certificate would open anything; say in auth.certificates which do, or leave the key out")
	}
}

// checkClients checks who has to show a certificate of his own. Only a server that
// speaks TLS itself sees one: what a proxy says of it could be said by anybody.
func (k *checker) checkClients(path string, w Webhook) {
	if w.ClientCA != "" && k.Server.TLS == nil {
		k.refuse(path+".client_ca", "client certificates are only seen where this server speaks TLS itself; set server.tls")
	}
	if len(w.ClientNames) > 0 && w.ClientCA == "" {
		k.refuse(path+".client_names", "the names of certificates that nobody is asked for; set client_ca, or leave the key out")
	}
	if i := slices.Index(w.ClientNames, ""); i >= 0 {
		k.refuse(item(path+".client_names", i), "the name is empty")
	}
}
