package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/cartouche-gis/cartouche/internal/sim/site"
)

// artifacts is the container in which Cloud Builder lays out a deployment's
// files.
// Source: Esri/arcgis-azure-templates, deployAzureResourceGroup.sh.
func (p place) artifacts(group string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(group))
	return name + "-stageartifacts"
}

// addConfigurations gives the machines of Cloud Builder's deployments the DSC
// extensions that made them, and the file of their configurations.
func (w *World) addConfigurations() error {
	for _, p := range w.places {
		if p.Storage == "" || p.Kind != "" {
			continue
		}
		if err := w.addConfigurationsOf(p, p.Group, p.serverContext(), p.Role, false, p.Machines); err != nil {
			return err
		}
		for _, s := range p.Sites {
			if err := w.addConfigurationsOf(p, s.Group, s.Context, s.Role, s.WebAdaptor, s.Machines); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *World) addConfigurationsOf(p place, group, context, role string, adaptor bool, machines []machine) error {
	w.storage.Put(p.Storage, p.artifacts(group), "DSC.zip", []byte("PK\x05\x06"+strings.Repeat("\x00", 18))) // an empty archive
	for _, m := range machines {
		name, function := p.configurationOf(role, m, len(machines))
		arguments := tree{"Version": p.Version, "ServerContext": context, "ServerMachineNames": names(with(machines, "Server")), "ExternalDNSHostName": p.Domain,
			"UseExistingFileShare": false, "IsUpdatingCertificates": false, "PublicKeySSLCertificateFileName": p.Domain + ".cer", "DebugMode": false}
		if role == "" {
			arguments["PortalMachineNames"] = names(with(machines, "Portal"))
		} else {
			arguments["PortalMachineNamesOnHostingServer"] = names(with(p.Machines, "Portal"))
			arguments["GisServerMachineNamesOnHostingServer"] = names(with(p.Machines, "Server"))
		}
		if role == "NotebookServer" {
			arguments["UseArcGISWebAdaptorForNotebookServer"] = adaptor
		}
		for _, share := range with(p.Machines, "FileShare") {
			arguments["FileShareMachineName"] = share.Name
		}
		id := p.idIn(group, machineKind, m.Name) + "/extensions/" + name
		err := w.manager.Add(tree{"id": id, "name": name, "type": machineKind + "/extensions", "location": p.location,
			"properties": tree{"provisioningState": "Succeeded", "publisher": "Microsoft.Powershell", "type": "DSC", "typeHandlerVersion": "2.77", "autoUpgradeMinorVersion": true,
				"settings": tree{"wmfVersion": "latest", "advancedOptions": tree{"forcePullAndApply": false}, "configurationArguments": arguments,
					"configuration": tree{"url": "https://" + w.storage.Host(p.Storage) + "/" + p.artifacts(group) + "/DSC.zip", "script": function + ".ps1", "function": function}}}})
		if err != nil {
			return err
		}
		w.manager.SetInstanceView(id, tree{"name": name, "type": "Microsoft.Powershell.DSC", "typeHandlerVersion": "2.77.0.0", "statuses": []any{tree{"code": "ProvisioningState/succeeded", "level": "Info",
			"displayStatus": "Provisioning succeeded", "message": "DSC configuration was applied successfully."}}})
	}
	return nil
}

// configurationOf is the extension of a machine and the configuration that it
// runs. A machine has one DSC extension: Azure takes no second of a handler.
// Source: Esri/arcgis-azure-templates, Releases/11.1 and 11.4/Templates;
// Esri/arcgis-powershell-dsc, Configurations-Azure, for the functions.
func (p place) configurationOf(role string, m machine, machines int) (name, function string) {
	tier := "MultiTier"
	if machines == 1 {
		tier = "SingleTier"
	}
	switch {
	case role == "NotebookServer":
		return "NBDSCConfiguration", "NotebookServer" + tier + "Configuration"
	case role == "MissionServer":
		return "MissionDSCConfiguration", "MissionServer" + tier + "Configuration"
	case role == "VideoServer":
		return "DSCConfiguration", "NonGISServerConfiguration"
	case role != "":
		return "DSCConfiguration", "GISServer" + tier + "Configuration"
	case len(m.Roles) > 1:
		return "DSCConfiguration", "BaseDeploymentSingleTierConfiguration"
	}
	switch of := m.Roles[0]; of {
	case "Server", "Portal":
		return of + "DSCConfiguration", of + "Configuration"
	case "FileShare":
		return "DSCConfigurationFS", "FileShareConfiguration"
	}
	return "DataStoreDSCConfiguration", "DataStoreConfiguration"
}

func names(machines []machine) string {
	var out []string
	for _, m := range machines {
		out = append(out, m.Name)
	}
	return strings.Join(out, ",")
}

// maxArtifact bounds what a configuration fetches.
const maxArtifact = 1 << 20

// configure applies the configuration of a DSC extension. What is missing among
// the certificates is not missed, as with the real one.
// Source: Esri/arcgis-powershell-dsc v5.0.1, Configurations-Azure, for the
// arguments and files. Before 12.0 they came from the deployment's file share,
// which the world has not: then what lies on the machine is used.
func (w *World) configure(ctx context.Context, machine string, settings, protected map[string]any) error {
	inner := func(of map[string]any, name string) map[string]any { in, _ := of[name].(map[string]any); return in }
	text := func(of map[string]any, name string) string { s, _ := of[name].(string); return s }
	at, _ := w.machineNamed(machine)
	host := w.Host(at.FQDN)
	if host == nil {
		return errors.New("the simulated world has no such machine")
	}
	configuration, public, secret := inner(settings, "configuration"), inner(settings, "configurationArguments"), inner(protected, "configurationArguments")
	address := text(configuration, "url")
	if _, err := w.fetchArtifact(ctx, address+token(text(protected, "configurationUrlSasToken"))); err != nil {
		return fmt.Errorf("the DSC extension failed to download %s: %w", address, err) // guess: the wording
	}
	function := text(configuration, "function")
	given := func(name string) (user, password string) {
		credential := inner(secret, name)
		return text(credential, "userName"), text(credential, "password")
	}
	container, signature := given("DeploymentArtifactCredentials")
	file := func(name string) []byte {
		content, err := w.fetchArtifact(ctx, strings.TrimRight(container, "/")+"/"+name+token(signature))
		if err != nil {
			return nil // -ErrorAction Ignore
		}
		return content
	}
	kind := "Server"
	if strings.HasPrefix(function, "Portal") {
		kind = "Portal"
	}
	run := site.DSC{Configuration: function, External: text(public, "ExternalDNSHostName"), License: text(public, kind+"LicenseFileName") != ""}
	run.Updating, _ = public["IsUpdatingCertificates"].(bool)
	run.WebAdaptor, _ = public["UseArcGISWebAdaptorForNotebookServer"].(bool)
	run.Admin, run.Password = given("SiteAdministratorCredential")
	_, run.PFXPassword = given(kind + "InternalCertificatePassword")
	_, run.PortalPFXPassword = given("PortalInternalCertificatePassword")
	_, service := given("ServiceCredential")
	run.NoServiceAccount = service == "" || service == "Placeholder"
	if major, _, _ := strings.Cut(text(public, "Version"), "."); len(major) == 2 && major >= "12" && container != "" {
		run.PFX, run.PortalPFX = file("Certs/SSLCertificateFor"+kind+".pfx"), file("Certs/SSLCertificateForPortal.pfx")
	}
	if name := text(public, "PublicKeySSLCertificateFileName"); name != "" && container != "" {
		run.Public = file(name)
	}
	for argument, port := range map[string]string{"PortalMachineNamesOnHostingServer": ":7443", "GisServerMachineNamesOnHostingServer": ":6443"} {
		for _, name := range strings.Split(text(public, argument), ",") {
			if peer, ok := w.machineNamed(name); ok {
				run.ImportFrom = append(run.ImportFrom, peer.FQDN+port)
			}
		}
	}
	log, err := host.ApplyDSC(ctx, run)
	for _, line := range log {
		w.ground.Log.Debug("dsc", "machine", at.FQDN, "configuration", function, "line", line)
	}
	return err
}

// token begins with a question mark, whether it was given one or not.
func token(signature string) string {
	if signature == "" || strings.HasPrefix(signature, "?") {
		return signature
	}
	return "?" + signature
}

func (w *World) fetchArtifact(ctx context.Context, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New("this is no address")
	}
	request.Header.Set("X-Ms-Version", "2021-12-02")
	answer, err := w.insideClient().Do(request)
	if err != nil {
		return nil, errors.New("the remote name could not be reached")
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the remote server returned an error: (%d)", answer.StatusCode)
	}
	return io.ReadAll(io.LimitReader(answer.Body, maxArtifact))
}
