package site

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The files and aliases of Esri's Azure configurations. Source:
// Configurations-Azure of Esri/arcgis-powershell-dsc, v5.0.1.
const (
	serverFile  = "SSLCertificateForServer.pfx"
	portalFile  = "SSLCertificateForPortal.pfx"
	dscAlias    = "ApplicationGateway"
	pinnedAlias = "AppGW-ExternalDNSCerCert"
	noPassword  = "Placeholder"
)

// configuration is what one of them does with certificates.
type configuration struct {
	products []string // the first of them that the machine has
	file     string
	// always tells that it also does it without IsUpdatingCertificates and
	// without a license file.
	always bool
	// skipsUpdates is the defect of NotebookServerMultiTier: an update run does
	// nothing and succeeds.
	skipsUpdates bool
	iis          bool // ArcGIS_IIS_TLS, if the Web Adaptor is used
	imports      bool // ArcGIS_TLSCertificateImport at the end
	thenPortal   bool // Portal's part follows, with its own file
}

var configurations = map[string]configuration{
	"ServerConfiguration": {products: []string{Server}, file: serverFile},
	"PortalConfiguration": {products: []string{Portal}, file: portalFile},
	// Up to v4.5, for everything on one machine.
	"BaseDeploymentSingleTierConfiguration": {products: []string{Server}, file: serverFile, always: true, thenPortal: true},
	"GISServerMultiTierConfiguration":       {products: []string{Server}, file: serverFile, always: true, imports: true},
	"GISServerSingleTierConfiguration":      {products: []string{Server}, file: serverFile, always: true, imports: true},
	"MissionServerMultiTierConfiguration":   {products: []string{Mission}, file: serverFile, always: true, imports: true},
	"MissionServerSingleTierConfiguration":  {products: []string{Mission}, file: serverFile, always: true, imports: true},
	"NotebookServerMultiTierConfiguration":  {products: []string{Notebook}, file: serverFile, always: true, skipsUpdates: true, iis: true, imports: true},
	"NotebookServerSingleTierConfiguration": {products: []string{Notebook}, file: serverFile, always: true, iis: true, imports: true},
	"NonGISServerConfiguration":             {products: []string{Notebook, Mission, Video}, file: serverFile, always: true, iis: true, imports: true},
	"DataStoreConfiguration":                {},
	"FileShareConfiguration":                {},
}

// ApplyDSC carries a configuration out, defects included, in the world's time:
// as a client of the machine's own ports, as the real one is. The log is what
// it would write with -Verbose; an error is an exception that makes the
// extension fail.
func (h *Host) ApplyDSC(ctx context.Context, run DSC) (log []string, err error) {
	known, ok := configurations[run.Configuration]
	if !ok {
		return nil, fmt.Errorf("the term '%s' is not recognized as the name of a cmdlet, function, script file, or operable program", run.Configuration)
	}
	d := &dsc{host: h, run: run}
	if run.NoServiceAccount {
		d.say("no valid service credential: nothing is configured")
		return d.log, nil
	}
	if run.PFX != nil && known.file != "" {
		h.Keep(known.file, run.PFX)
	}
	if len(known.products) == 0 || known.skipsUpdates && run.Updating || !known.always && !run.Updating && !run.License {
		d.say("nothing to do with certificates")
		return d.log, nil
	}
	if err := d.on(known.products, known.file); err != nil {
		return d.log, err
	}
	if known.iis && run.WebAdaptor && h.iis != nil {
		d.bindIIS(ctx)
	}
	if d.site.spec.Product == Portal {
		err = d.portal(ctx)
	} else {
		err = d.server(ctx)
	}
	if err == nil && known.imports {
		d.importPeers(ctx)
	}
	if err == nil && known.thenPortal {
		if run.PortalPFX != nil {
			h.Keep(portalFile, run.PortalPFX)
		}
		if err = d.on([]string{Portal}, portalFile); err == nil {
			d.run.PFXPassword = cmp.Or(run.PortalPFXPassword, run.PFXPassword)
			err = d.portal(ctx)
		}
	}
	return d.log, err
}

// on turns to the first of the products that the machine has, with the file
// that lies there for it.
func (d *dsc) on(products []string, file string) error {
	for _, product := range products {
		if d.site, d.machine = d.host.at(product); d.site != nil {
			d.token = ""
			d.host.mu.Lock()
			defer d.host.mu.Unlock()
			d.pfx = d.host.files[file]
			return nil
		}
	}
	return fmt.Errorf("%s: nothing of %s is installed", d.run.Configuration, strings.Join(products, ", "))
}

// dsc is one run.
type dsc struct {
	host    *Host
	run     DSC
	site    *Site
	machine *machine
	pfx     []byte
	token   string
	log     []string
}

func (d *dsc) say(format string, args ...any) { d.log = append(d.log, fmt.Sprintf(format, args...)) }

// passwordGiven tells whether the PSCredential holds a password.
func (d *dsc) passwordGiven() bool {
	return d.run.PFXPassword != "" && d.run.PFXPassword != noPassword
}

// differs compares the PFX with an entry. Without a password there is nothing
// to compare with, which counts as different; so does a file that does not open.
func (d *dsc) differs(sha1 string) bool {
	if !d.passwordGiven() {
		return true
	}
	read, err := readPFX(d.pfx, d.run.PFXPassword)
	return err != nil || !strings.EqualFold(thumbprint(read.leaf), sha1)
}

// server is Set-TargetResource of ArcGIS_Server_TLS.
func (d *dsc) server(ctx context.Context) error {
	admin, health := "/arcgis/admin/", "/arcgis/rest/info/healthcheck?f=json"
	if d.pfx == nil {
		return errors.New("the server certificate file was not found in C:\\ArcGIS\\Certs")
	}
	d.wait(ctx, admin, 150)
	d.wait(ctx, health, 150)
	if err := d.serverToken(ctx); err != nil {
		return err
	}
	if d.site.spec.Product == Server {
		// (A) It is never told EnableHTTPSOnly and EnableHSTS, which are false then.
		if config := d.get(ctx, "/arcgis/admin/security/config"); config["httpEnabled"] != true || config["HSTSEnabled"] == true {
			d.say("resetting HTTPS only and HSTS")
			d.post(ctx, "/arcgis/admin/security/config/update", form{"Protocol": "HTTP_AND_HTTPS", "HSTSEnabled": "false"})
			d.sleep(ctx, 30)
			d.wait(ctx, admin, 90)
		}
	}
	name := d.machineName(ctx) // (B)
	if name == "" {
		return fmt.Errorf("not able to find machine in site with host name %s", d.host.name)
	}
	base := "/arcgis/admin/machines/" + name
	edited, err := d.serverLeaf(ctx, base) // (C)
	if err != nil {
		return err
	}
	if edited && d.site.spec.Product == Server {
		for _, e := range d.machine.extensions {
			if e.service == "ArcGISGeoEvent" && e.running.Load() {
				d.say("restarting ArcGISGeoEvent")
				if err := e.restart(ctx); err != nil {
					return err
				}
			}
		}
	}
	if edited {
		d.post(ctx, base+"/sslCertificates/"+strings.ToLower(dscAlias)+"-temp/delete", form{})
	}
	return d.serverRoots(ctx, base) // (D)
}

// serverLeaf is step (C), with the detour by a temporary alias.
func (d *dsc) serverLeaf(ctx context.Context, base string) (edited bool, err error) {
	certificates := base + "/sslCertificates"
	existing := d.get(ctx, certificates+"/"+strings.ToLower(dscAlias))
	active, _ := d.get(ctx, base)["webServerCertificateAlias"].(string)
	sha1, _ := existing["sha1Fingerprint"].(string)
	assign := func(alias string) error {
		if err := d.importPFX(ctx, certificates, alias); err != nil {
			return err
		}
		d.edit(ctx, base, alias)
		return nil
	}
	switch {
	case sha1 == "": // not there, or any error
		return true, assign(dscAlias)
	case d.differs(sha1):
		if strings.EqualFold(active, dscAlias) {
			if err := assign(dscAlias + "-temp"); err != nil {
				return true, err
			}
		}
		d.post(ctx, certificates+"/"+strings.ToLower(dscAlias)+"/delete", form{})
		return true, assign(dscAlias)
	case !strings.EqualFold(active, dscAlias):
		d.edit(ctx, base, dscAlias)
		return true, nil
	}
	return false, nil
}

// edit assigns an alias: five attempts, and a failure is logged only.
func (d *dsc) edit(ctx context.Context, base, alias string) {
	fields := form{"webServerCertificateAlias": alias}
	for name, value := range d.get(ctx, base) {
		switch value.(type) {
		case string, float64, bool:
			if _, given := fields[name]; !given {
				fields[name] = fmt.Sprint(value)
			}
		}
	}
	for try := range 5 {
		answer, err := d.post(ctx, base+"/edit", fields)
		if err == nil && answer["status"] == "success" {
			d.say("edit: %s is the web server's certificate", alias)
			break
		}
		d.say("[WARNING] edit to %s failed, attempt %d", alias, try+1)
		d.sleep(ctx, 30)
	}
	d.sleep(ctx, 30)
	d.wait(ctx, "/arcgis/admin", 150)
	d.wait(ctx, "/arcgis/rest/info/healthcheck?f=json", 150)
}

// importPFX uploads the file. An HTTP error is a warning only; an error in JSON
// throws, and so does a credential that is not there.
func (d *dsc) importPFX(ctx context.Context, certificates, alias string) error {
	if !d.passwordGiven() {
		return errors.New("PowerShell: You cannot call a method on a null-valued expression")
	}
	fields := form{"alias": alias, d.site.product.pfxPassword: d.run.PFXPassword}
	if d.site.spec.Product == Portal && d.site.version.atLeast(11, 3) {
		fields["importCertificateChain"] = "True"
	}
	answer, err := d.upload(ctx, certificates+"/importExistingServerCertificate", fields, d.site.product.pfxFile, d.pfx, d.site.product.strictToken)
	if err != nil {
		d.say("[WARNING] import of %s: no response", alias)
		return nil
	}
	if refused := answerError(answer); refused != "" {
		return fmt.Errorf("import of %s: %s", alias, refused)
	}
	d.say("imported %s", alias)
	return nil
}

// roots compares the pinned certificate of the gateway with the keystore and
// imports it anew when it differs. It answers whether something was imported,
// or so the resource believes.
func (d *dsc) roots(ctx context.Context, certificates, listKey string, fields form) bool {
	if d.run.Public == nil {
		return false
	}
	given, err := readCertificate(d.run.Public)
	if err != nil {
		d.say("[WARNING] the public certificate cannot be read")
		return false
	}
	alias := strings.ToLower(pinnedAlias)
	list, _ := d.get(ctx, certificates)[listKey].([]any)
	if slices.Contains(list, any(alias)) {
		sha1, _ := d.get(ctx, certificates+"/"+alias)["sha1Fingerprint"].(string)
		if strings.EqualFold(sha1, thumbprint(given)) {
			return false
		}
		d.post(ctx, certificates+"/"+alias+"/delete", form{})
	}
	fields["alias"] = pinnedAlias
	answer, err := d.upload(ctx, certificates+"/importRootOrIntermediate", fields, d.site.product.rootFile, d.run.Public, false)
	if err != nil || answerError(answer) != "" {
		d.say("[WARNING] import of %s failed: %v %s", pinnedAlias, err, answerError(answer)) // swallowed
	} else {
		d.say("imported %s", pinnedAlias)
	}
	return true
}

// serverRoots is step (D). Mission and Video are asked for a list that they
// call otherwise, so their roots seem to be missing every time.
func (d *dsc) serverRoots(ctx context.Context, base string) error {
	key := "certificates"
	if d.site.spec.Product == Notebook {
		key = "sslCertificates"
	}
	if !d.roots(ctx, base+"/sslCertificates", key, form{}) {
		return nil
	}
	if err := d.host.RestartService(ctx, services[d.site.spec.Product]); err != nil {
		return err
	}
	d.say("restarted %s", services[d.site.spec.Product])
	d.sleep(ctx, 30)
	d.wait(ctx, "/arcgis/admin", 60)
	d.sleep(ctx, 150) // the source misspells the health check and waits for it in vain
	return ctx.Err()
}

// portal is Set-TargetResource of ArcGIS_Portal_TLS.
func (d *dsc) portal(ctx context.Context) error {
	if d.pfx == nil {
		return errors.New("the portal certificate file was not found in C:\\ArcGIS\\Certs")
	}
	settle := func(seconds int) {
		d.sleep(ctx, seconds)
		d.wait(ctx, "/arcgis/portaladmin/healthCheck?f=json", 150)
		d.wait(ctx, "/arcgis/sharing/rest/generateToken", 150)
	}
	settle(0)
	if err := d.portalToken(ctx); err != nil {
		return err
	}
	base := "/arcgis/portaladmin/machines/" + d.host.name + "/sslCertificates"
	if !d.site.version.atLeast(10, 8) {
		base = "/arcgis/portaladmin/security/sslCertificates"
	}
	update := func(alias string, wait int) {
		now := d.get(ctx, base)
		fields := form{"webServerCertificateAlias": alias, "HSTSEnabled": "False"}
		for _, name := range []string{"sslProtocols", "cipherSuites"} {
			if text, _ := now[name].(string); text != "" {
				fields[name] = text
			}
		}
		if now["HSTSEnabled"] == true && wait != 30 {
			fields["HSTSEnabled"] = "True" // echoed here, reset at the end
		}
		if answer, err := d.post(ctx, base+"/update", fields); err != nil || answerError(answer) != "" {
			d.say("[WARNING] update to %s failed: %v %s", alias, err, answerError(answer))
		} else {
			d.say("update: %s is the web server's certificate", alias)
		}
		settle(wait)
	}
	has := func() (bool, string) {
		list := d.get(ctx, base)
		names, _ := list["sslCertificates"].([]any)
		active, _ := list["webServerCertificateAlias"].(string)
		return slices.Contains(names, any(strings.ToLower(dscAlias))), active
	}
	if there, _ := has(); !there {
		if err := d.importPFX(ctx, base, dscAlias); err != nil {
			return err
		}
	} else if sha1, _ := d.get(ctx, base+"/"+strings.ToLower(dscAlias))["sha1Fingerprint"].(string); d.differs(sha1) {
		// The detour is taken even if the alias is not the active one.
		if err := d.importPFX(ctx, base, dscAlias+"-temp"); err != nil {
			return err
		}
		update(dscAlias+"-temp", 60)
		d.post(ctx, base+"/"+strings.ToLower(dscAlias)+"/delete", form{})
		if err := d.importPFX(ctx, base, dscAlias); err != nil {
			return err
		}
	}
	if _, active := has(); !strings.EqualFold(active, dscAlias) {
		update(dscAlias, 60)
		d.post(ctx, base+"/"+strings.ToLower(dscAlias)+"-temp/delete", form{})
	}
	if d.roots(ctx, base, "sslCertificates", form{"norestart": "True"}) {
		if err := d.host.RestartService(ctx, services[Portal]); err != nil {
			return err
		}
		d.say("restarted %s", services[Portal])
		d.sleep(ctx, 30)
		d.wait(ctx, "/arcgis/portaladmin/healthCheck?f=json", 600)
	}
	if d.get(ctx, base)["HSTSEnabled"] == true {
		d.say("resetting HSTS")
		update(dscAlias, 30)
	}
	return ctx.Err()
}

// bindIIS is ArcGIS_IIS_TLS; without a file that opens it binds a self-signed
// certificate for the external name, silently.
func (d *dsc) bindIIS(ctx context.Context) {
	i := d.host.iis
	if d.pfx != nil && d.passwordGiven() {
		hash, err := i.ImportPFX(d.pfx, d.run.PFXPassword)
		switch {
		case err != nil:
			d.say("[WARNING] %v", err)
		case !strings.EqualFold(i.bound(), hash):
			i.bindEverywhere(hash)
			d.say("bound %s in IIS", hash)
		}
		return
	}
	if i.bound() != "" {
		return // any binding will do
	}
	own, err := d.site.selfSigned([]string{d.run.External})
	if err != nil {
		return
	}
	i.mu.Lock()
	i.store[thumbprint(own.leaf)] = own
	i.mu.Unlock()
	i.bindEverywhere(thumbprint(own.leaf))
	d.say("bound a self-signed certificate in IIS")
}

// importPeers is ArcGIS_TLSCertificateImport: what the portals and hosting
// servers serve now is imported as an authority under "<host>-<port>", unless
// there is such an alias; Notebook, Mission and Video never seem to have it.
func (d *dsc) importPeers(ctx context.Context) {
	base := "/arcgis/admin/machines/" + d.machineName(ctx) + "/sslCertificates"
	for _, peer := range d.run.ImportFrom {
		var leaf *x509.Certificate
		if leaf = d.shown(ctx, peer); leaf == nil {
			d.say("[WARNING] %s does not answer", peer)
			continue
		}
		alias := strings.ToLower(strings.ReplaceAll(peer, ":", "-"))
		list, _ := d.get(ctx, base)["certificates"].([]any)
		if slices.Contains(list, any(alias)) {
			continue
		}
		answer, err := d.upload(ctx, base+"/importRootOrIntermediate", form{"alias": alias}, d.site.product.rootFile, leaf.Raw, false)
		if err != nil || answerError(answer) != "" {
			d.say("[WARNING] import of %s failed", alias)
		} else {
			d.say("imported %s", alias)
		}
	}
}
