// Command pulumi-resource-docker is the Pulumi resource plugin that the pulumi-docker SDK talks to: the Docker
// Terraform provider behind Pulumi's bridge.
package main

import (
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"

	"github.com/terraform-providers/terraform-provider-docker/internal/provider"
)

// version is the pulumi-docker release whose types and properties this plugin serves.
const version = "5.2.0"

func main() {
	info := tfbridge.ProviderInfo{
		Name:           "docker",
		ResourcePrefix: "docker",
		Version:        version,
		P:              shimv2.NewProvider(provider.New(version)()),
		Config: map[string]*tfbridge.SchemaInfo{
			"registry_auth": {Name: "registryAuth"}, // a list of that name in the SDK; the bridge would make it plural
		},
		Resources: map[string]*tfbridge.ResourceInfo{
			"docker_config": {Tok: "docker:index/serviceConfig:ServiceConfig"},
			"docker_container": {DeleteBeforeReplace: true, Fields: map[string]*tfbridge.SchemaInfo{
				"command":           {Name: "command"},
				"networks_advanced": {Name: "networksAdvanced"},
			}},
			"docker_image": {
				Tok:    "docker:index/remoteImage:RemoteImage",
				Fields: map[string]*tfbridge.SchemaInfo{"name": {}}, // an image's name is never made up
			},
		},
		DataSources: map[string]*tfbridge.DataSourceInfo{
			"docker_image": {Tok: "docker:index/getRemoteImage:getRemoteImage"},
		},
	}
	info.MustComputeTokens(tokens.SingleModule("docker_", "index", tokens.MakeStandard("docker")))
	info.SetAutonaming(255, "-")
	tfbridge.Main("docker", version, info, nil)
}
