package reach

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pause"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

// askAgain is how long an extension is left alone between two questions how it
// fares; it takes minutes.
const askAgain = 15 * time.Second

// DSCOptions are for [NewDSC].
type DSCOptions struct {
	Azure *cloud.ResourceManager
	// Deployment is the one whose machines are reached.
	Deployment deployment.Deployment
	// Storage is the account that holds the deployment's artifacts. See
	// [StorageOf].
	Storage cloud.StorageAccount
	// Service is the account under which ArcGIS Server runs; without its
	// password the configurations do nothing and call it success.
	Service Login
	// ServerPassword and PortalPassword open the internal certificates (PFX)
	// that the machines have. A job that brings no new ones needs them: the
	// configurations compare what is installed with the file every time, and
	// without a password they fail before anything else.
	ServerPassword, PortalPassword secret.Secret
	// Tell, if set, hears what is being done.
	Tell func(string)
}

// dscWay does what Cloud Builder does: the machine's own DSC extension is put
// once more, with its public settings as they are read and IsUpdatingCertificates,
// after certificates were laid where its configuration fetches them. The names
// of those files are fixed, the same for all machines, so machines go one after
// another.
//
// What it can do is little, and it is told before anything is touched: the
// alias of each certificate is fixed too, machines restart, and it cannot look.
// Source: Esri/arcgis-powershell-dsc 5.0.1, Modules/ArcGIS/Configurations-Azure;
// Esri/arcgis-azure-templates, Releases/11.4.
type dscWay struct {
	options DSCOptions

	mu sync.Mutex // one machine at a time
	// laid are artifacts that are still to be taken away.
	laid []artifact
}

// NewDSC is the way of Cloud Builder: the DSC extension that each machine has
// is put once more, told to update certificates. It restarts every machine and
// cannot look at one.
func NewDSC(options DSCOptions) Way { return &dscWay{options: options} }

func (d *dscWay) Kind() Kind { return DSC }

// Close takes away what still lies in the artifact container.
func (d *dscWay) Close(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.takeAway(ctx)
}

// Do lays out the files, puts the extension and waits for its end. That it
// ended well is all that is known then: the configurations swallow failures.
func (d *dscWay) Do(ctx context.Context, at Machine, job machine.Job) (machine.Report, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	report, err := d.do(ctx, at, prepare(at, job))
	if err != nil {
		return machine.Report{}, named(err, at.Name)
	}
	return report, nil
}

func notByDSC(format string, a ...any) *Error {
	return &Error{Code: NotThisWay, Sentence: "DSC cannot do this: " + fmt.Sprintf(format, a...) + ".",
		Mend: "Take another way: --reach agent, or --reach direct from inside the virtual network."}
}

func (d *dscWay) do(ctx context.Context, at Machine, job machine.Job) (machine.Report, error) {
	orders, err := d.orders(at, job)
	if err != nil {
		return machine.Report{}, err
	}
	if at.ID == "" {
		return machine.Report{}, notByDSC("%s is no virtual machine that is known", at.Name)
	}
	if ctx.Err() != nil {
		return machine.Report{}, notBegun(ctx)
	}
	vm, err := d.options.Azure.VirtualMachine(ctx, at.ID)
	if err != nil {
		return machine.Report{}, ofAzure(ctx, err, "The virtual machine could not be read.")
	}
	if err := ready(vm); err != nil {
		return machine.Report{}, err
	}
	extensions, err := d.options.Azure.Extensions(ctx, at.ID)
	if err != nil {
		return machine.Report{}, ofAzure(ctx, err, "The extensions of the machine could not be read.")
	}
	for i := range orders {
		if err := orders[i].find(extensions); err != nil {
			return machine.Report{}, err
		}
	}
	blobs, err := d.options.Azure.Blobs(d.options.Storage)
	if err != nil {
		return machine.Report{}, &Error{Code: NoStorage, Sentence: "The storage account cannot be used: " + plain(err) + ".", Err: err}
	}
	report := machine.Report{Format: machine.Format, Host: job.Host, At: time.Now()}
	for _, order := range orders {
		began := time.Now()
		if err := d.put(ctx, at, job, order, blobs); err != nil {
			return machine.Report{}, err
		}
		for _, task := range order.tasks {
			report.Tasks = append(report.Tasks, machine.TaskResult{Kind: task.Kind, Port: task.Port, Alias: task.Alias, State: machine.TaskDone,
				Detail: "the DSC extension ended without an error, which is all that can be known", Restarted: true, Seconds: time.Since(began).Seconds()})
		}
	}
	return report, nil
}

// order is what one extension is to do: certificates of one product.
type order struct {
	product   machine.Product
	tasks     []machine.Task
	public    []byte // DER, nil for none
	pfx       secret.Secret
	password  secret.Secret
	extension cloud.Extension
	function  string
}

// The aliases that the configurations use, whatever anybody wants.
const (
	aliasPublic   = "AppGW-ExternalDNSCerCert"
	aliasInternal = "ApplicationGateway"
)

// orders sorts the tasks by product, and refuses what a configuration does not
// do. Nothing has been touched then.
func (d *dscWay) orders(at Machine, job machine.Job) ([]order, error) {
	switch version := d.versionOf(at); {
	case len(job.Tasks) == 0:
		return nil, notByDSC("its configurations change certificates and cannot look at any")
	case version != "" && !from12(version):
		return nil, notByDSC("the configurations of version %s take certificates from the deployment's file share; only from 12.0 on they fetch them from the storage account", escape(version))
	case d.options.Service.User == "" || d.options.Service.Password.Empty():
		return nil, &Error{Code: RunAsRefused, Sentence: "DSC needs the login under which ArcGIS Server runs: without its password the configurations do nothing and call it success.",
			Mend: "Give it with --service-account."}
	case job.Admin == "" || job.Password.Empty():
		return nil, notByDSC("the configurations sign in as the primary site administrator, whose login was not given")
	}
	var orders []order
	for _, task := range job.Tasks {
		i := slices.IndexFunc(at.Components, func(c machine.Component) bool { return c.Port == task.Port })
		if i < 0 || !at.Components[i].HasKeystore() {
			return nil, notByDSC("no configuration changes certificates on port %d of %s", task.Port, at.Name)
		}
		product := at.Components[i].Product
		o := slices.IndexFunc(orders, func(o order) bool { return o.product == product })
		if o < 0 {
			orders = append(orders, order{product: product})
			o = len(orders) - 1
		}
		if err := orders[o].take(task); err != nil {
			return nil, err
		}
	}
	for i := range orders {
		if err := orders[i].complete(d.options); err != nil {
			return nil, err
		}
	}
	return orders, nil
}

func (o *order) take(task machine.Task) error {
	switch {
	case task.Kind == machine.Trust && strings.EqualFold(task.Alias, aliasPublic) && o.public == nil:
		o.public = task.Certificate
	case task.Kind == machine.Trust:
		return notByDSC("it trusts the gateway's own certificate under the alias %s, and no other", aliasPublic)
	case (task.Kind == machine.Install || task.Kind == machine.Activate) && !strings.EqualFold(task.Alias, aliasInternal):
		return notByDSC("the internal certificate always has the alias %s there, not %s", aliasInternal, escape(task.Alias))
	case task.Kind == machine.Install:
		o.pfx, o.password = task.PFX, task.PFXPassword
	case task.Kind == machine.Activate:
	default:
		return notByDSC("its configurations know no task %q", task.Kind)
	}
	o.tasks = append(o.tasks, task)
	return nil
}

// complete looks that installing and activating come together, and finds the
// password of the PFX that is there where no new one comes.
func (o *order) complete(options DSCOptions) error {
	has := func(kind machine.TaskKind) bool {
		return slices.ContainsFunc(o.tasks, func(t machine.Task) bool { return t.Kind == kind })
	}
	if has(machine.Install) != has(machine.Activate) {
		return notByDSC("a certificate is installed and activated at once there")
	}
	if has(machine.Install) {
		return nil
	}
	o.password = options.ServerPassword
	if o.product == machine.Portal {
		o.password = options.PortalPassword
	}
	if o.password.Empty() {
		err := notByDSC("the configurations compare the internal certificate with its PFX every time, and the password of that was not given")
		err.Mend = "Give it: --server-pfx-password-file FILE (of Portal: --portal-pfx-password-file FILE), with the password that Cloud Builder was given for the internal certificates."
		return err
	}
	return nil
}

// configurations are the functions that change certificates in an update run,
// with the products that they do it for.
// Source: arcgis-powershell-dsc 5.0.1, Configurations-Azure (and 5.1 for
// NonGISServerConfiguration).
var configurations = map[string][]machine.Product{
	"serverconfiguration":                   {machine.Server},
	"portalconfiguration":                   {machine.Portal},
	"gisservermultitierconfiguration":       {machine.Server},
	"gisserversingletierconfiguration":      {machine.Server},
	"missionservermultitierconfiguration":   {machine.Mission},
	"missionserversingletierconfiguration":  {machine.Mission},
	"notebookserversingletierconfiguration": {machine.Notebook},
	"nongisserverconfiguration":             {machine.Notebook, machine.Mission, machine.Video},
}

// find chooses the extension whose configuration serves the order's product. A
// machine may have others of other roles.
func (o *order) find(extensions []cloud.Extension) error {
	var others []string
	for _, e := range extensions {
		if !e.Is("Microsoft.Powershell", "DSC") {
			continue
		}
		configuration, _ := e.Settings()["configuration"].(map[string]any)
		function, _ := configuration["function"].(string)
		name := strings.ToLower(function)
		if name == "notebookservermultitierconfiguration" && o.product == machine.Notebook {
			return notByDSC("NotebookServerMultiTierConfiguration changes nothing when it updates certificates, and calls it success")
		}
		if slices.Contains(configurations[name], o.product) {
			o.extension, o.function = e, function
			return nil
		}
		others = append(others, escape(function))
	}
	if len(others) > 0 {
		return notByDSC("the machine's DSC extension runs %s, which is not known to change certificates of %s", strings.Join(others, " and "), o.product)
	}
	return notByDSC("the machine has no DSC extension")
}

// versionOf is the ArcGIS version of the site that a machine belongs to.
func (d *dscWay) versionOf(at Machine) string {
	for _, vm := range d.options.Deployment.Machines {
		if !cloud.SameID(vm.ID, at.ID) {
			continue
		}
		for _, site := range d.options.Deployment.Sites {
			if site.ID != "" && strings.EqualFold(site.ID, vm.DeploymentID) && site.Version != "" {
				return site.Version
			}
		}
	}
	return d.options.Deployment.Version
}

func from12(version string) bool {
	major, _, _ := strings.Cut(version, ".")
	number, err := strconv.Atoi(major)
	return err == nil && number >= 12
}

// put lays out the files of an order, puts the extension, waits, and takes the
// files away.
func (d *dscWay) put(ctx context.Context, at Machine, job machine.Job, o order, blobs *cloud.Blobs) error {
	container, err := d.containerOf(o.extension)
	if err != nil {
		return err
	}
	put := false
	defer func() {
		// What goes on in Azure shall still find its files: Close takes them, and
		// says so where it cannot.
		if !put || ctx.Err() == nil {
			_ = d.takeAway(ctx)
		}
	}()
	settings := o.extension.Settings()
	arguments, _ := settings["configurationArguments"].(map[string]any)
	if arguments == nil {
		arguments = map[string]any{}
		settings["configurationArguments"] = arguments
	}
	arguments["IsUpdatingCertificates"] = true

	kind := "Server"
	if o.product == machine.Portal {
		kind = "Portal"
	}
	if o.public != nil {
		name, _ := arguments["PublicKeySSLCertificateFileName"].(string)
		if name == "" || strings.ContainsAny(name, `/\?#%`) || len(name) > 200 {
			name = strings.ToLower(d.options.Deployment.Domain) + ".cer"
		}
		arguments["PublicKeySSLCertificateFileName"] = name
		if err := d.lay(ctx, blobs, container, name, o.public); err != nil {
			return err
		}
	}
	if !o.pfx.Empty() {
		if err := d.lay(ctx, blobs, container, "Certs/SSLCertificateFor"+kind+".pfx", []byte(o.pfx.Reveal())); err != nil {
			return err
		}
	}
	token, err := d.enter(ctx, blobs, container)
	if err != nil {
		return err
	}
	credential := func(user string, password secret.Secret) map[string]any {
		return map[string]any{"userName": user, "password": password}
	}
	document := o.extension.Document()
	properties, _ := document["properties"].(map[string]any)
	properties["settings"] = map[string]any(settings)
	properties["protectedSettings"] = map[string]any{
		"configurationUrlSasToken": token,
		"configurationArguments": map[string]any{
			"ServiceCredential":                  credential(d.options.Service.User, d.options.Service.Password),
			"SiteAdministratorCredential":        credential(job.Admin, job.Password),
			kind + "InternalCertificatePassword": credential("Placeholder", o.password),
			"DeploymentArtifactCredentials":      credential(blobs.ContainerURL(container), token),
		},
	}
	if d.options.Tell != nil {
		d.options.Tell(fmt.Sprintf("%s: putting its DSC extension %s once more (%s); the machine restarts", at.Name, o.extension.Name, o.function))
	}
	put = true
	return d.await(ctx, at, o, document)
}

// await puts the extension and waits for its end. An extension cannot be
// cancelled.
func (d *dscWay) await(ctx context.Context, at Machine, o order, document cloud.Document) error {
	operation, err := d.options.Azure.PutExtension(ctx, at.ID, o.extension.Name, document)
	accepted := err == nil
	if accepted {
		_, err = operation.Wait(ctx)
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return extensionGoesOn(ctx)
	case accepted && (cloud.Uncertain(err) || cloud.IsForbidden(err) || cloud.IsUnauthorized(err)):
		return d.ask(ctx, at, o, err)
	case cloud.IsConflict(err) && !cloud.HasCode(err, "VMExtensionProvisioningError"):
		way := &agentWay{}
		return way.refused(ctx, err)
	case cloud.IsForbidden(err) || cloud.IsUnauthorized(err):
		return ofAzure(ctx, err, "The DSC extension may not be put.")
	case cloud.Uncertain(err):
		return extensionUnknown(ctx, err)
	}
	extension, _ := d.options.Azure.Extension(ctx, at.ID, o.extension.Name) // its own last words, where there are any
	return extensionFailed(extension, err)
}

// ask asks the extension itself how it fares, where the operation that puts it
// does not tell. As long as it is at work the machine restarts, and nothing else
// may be done there.
func (d *dscWay) ask(ctx context.Context, at Machine, o order, lost error) error {
	for {
		extension, err := d.options.Azure.Extension(ctx, at.ID, o.extension.Name)
		switch state := strings.ToLower(extension.ProvisioningState); {
		case ctx.Err() != nil:
			return extensionGoesOn(ctx)
		case err != nil:
			return extensionUnknown(ctx, lost)
		case state == "succeeded":
			return nil
		case state == "failed", state == "canceled":
			return extensionFailed(extension, lost)
		}
		if pause.For(ctx, askAgain) != nil {
			return extensionGoesOn(ctx)
		}
	}
}

func extensionGoesOn(ctx context.Context) error {
	e := gaveUp(ctx, true)
	e.Sentence = "Cartouche stopped waiting, but the DSC extension goes on on the machine: it cannot be cancelled."
	return e
}

func extensionUnknown(ctx context.Context, err error) error {
	e := ofAzure(ctx, err, "How the DSC extension fares cannot be learned.")
	e.Unsure = true
	return e
}

func extensionFailed(extension cloud.Extension, err error) error {
	e := &Error{Code: ExtensionFailed, Unsure: true, Err: err, Sentence: "The DSC extension failed: " + plain(err) + ".",
		Mend: "Look at the machine by another way (--reach agent) before anything else; its log is in C:\\WindowsAzure\\Logs\\Plugins\\Microsoft.Powershell.DSC."}
	if extension.Message != "" {
		e.Sentence = fmt.Sprintf("The DSC extension failed (%s): %s.", escape(extension.Status), strings.TrimRight(escape(extension.Message), "."))
	}
	return e
}

// containerOf is where the configuration of an extension fetches its files.
func (d *dscWay) containerOf(e cloud.Extension) (string, error) {
	configuration, _ := e.Settings()["configuration"].(map[string]any)
	text, _ := configuration["url"].(string)
	address, err := url.Parse(text)
	own, ownErr := url.Parse(d.options.Storage.BlobEndpoint)
	if err != nil || ownErr != nil || text == "" || !strings.EqualFold(address.Host, own.Host) {
		return "", notByDSC("the machine's extension fetches its configuration from %q, which is not in the deployment's storage account", escape(address.Host))
	}
	container, file, ok := strings.Cut(strings.Trim(address.Path, "/"), "/")
	if !ok || container == "" || strings.Contains(file, "/") {
		return "", notByDSC("the address of its configuration names no container")
	}
	return container, nil
}
