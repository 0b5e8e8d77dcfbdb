package sim

import "strings"

// tags are the record that Cloud Builder keeps on the gateway.
// Source: Esri/arcgis-azure-templates, Releases/11.4/getAppGatewayTagsObject.py.
func (p place) tags() map[string]any {
	storage := p.storageTag()
	if storage != "" {
		storage += "@AccessKey"
	}
	public, private := strings.Join([]string{p.Prefix + "PublicIP", p.Group, p.location, p.Prefix + "dns", p.Public}, "@"), ""
	if p.Public == "" {
		public, private = "", strings.Join([]string{p.Private, "appgateway", p.Prefix + "-vnet", p.Group, p.location}, "@")
	}
	contexts, role := "server,portal", "HostingServer"
	if own, alone := p.alone(); alone {
		contexts, role = own.Context+","+own.GeoEvent, own.Role
	}
	tags := map[string]any{
		"arcgis-deployment-id":                               p.deploymentID(),
		"arcgis-deployment-version":                          p.Version,
		"arcgis-deployment-info":                             strings.Join([]string{p.Prefix, p.Prefix + "-vnet", p.Group, "default", contexts, p.timestamp()}, "@"),
		"arcgis-deployment-domain":                           p.Domain,
		"arcgis-deployment-secondary-domain":                 p.Secondary,
		"arcgis-deployment-privateip-info":                   private,
		"arcgis-deployment-publicip-info":                    public,
		"arcgis-deployment-server-role":                      role,
		"arcgis-deployment-datastore-types":                  strings.Join(p.DataStores, ","),
		"arcgis-deployment-rdp-endpoint":                     "",
		"arcgis-deployment-cloud-stg":                        storage,
		"arcgis-deployment-autovmshutdown":                   "False,0000",
		"arcgis-deployment-userprovidedinternalcertificates": "False",
		"arcgis-deployment-graphstore-mode":                  "None",
		"arcgis-deployment-remove-uninstall-extra-artifacts": "False",
		"arcgis-deployment-existing-fileshare":               "",
		"arcgis-deployment-outbound-connectivity-method":     "LoadBalancer",
		"arcgis-deployment-azure-monitoring-info":            "",
	}
	for _, site := range p.Sites {
		key := strings.Join([]string{"FS", site.Role, site.Context + "," + site.GeoEvent, p.siteID(site), p.timestamp(), p.Version, strings.Join(site.Functions, ","), "False,False"}, "@")
		tags[key] = site.Group + "," + p.location + "@" + site.Prefix + "@" + p.Group + "," + p.Storage + ",False@@False,0000"
	}
	for name, value := range p.Tags {
		tags[name] = value
	}
	return tags
}

func (p place) storageTag() string {
	if p.Storage == "" {
		return ""
	}
	label, _, _ := strings.Cut(p.Domain, ".")
	return label + "@" + p.Storage + ".blob." + p.cloud.BlobSuffix + "@" + p.Group + "@False"
}

// v1Tags are the older record, on the public IP address.
// Source: Esri/arcgis-azure-templates, Releases/10.7/Templates/basedeployment-multi-tier.json.
func (p place) v1Tags() map[string]any {
	return map[string]any{
		"arcgis-deployment-id":              p.deploymentID(),
		"arcgis-deployment-version":         p.Version,
		"arcgis-deployment-info":            p.Prefix + "dns@" + p.Prefix + "@" + p.timestamp(),
		"arcgis-deployment-domain":          p.Domain,
		"arcgis-deployment-server-role":     "HostingServer",
		"arcgis-deployment-datastore-types": "Relational",
		"arcgis-deployment-rdp-endpoint":    "",
		"arcgis-deployment-cloud-stg":       p.storageTag(),
		"arcgis-deployment-oms-workspace":   "",
		"displayName":                       "Public IP Address",
	}
}
