// Command seccomp prints containerd's own default seccomp profile (RuntimeDefault), for a container without
// capabilities, as OCI runtime-spec JSON.
package main

import (
	"encoding/json"
	"log"
	"os"

	"github.com/containerd/containerd/v2/contrib/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func main() {
	bare := &specs.Spec{Process: &specs.Process{Capabilities: &specs.LinuxCapabilities{}}}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	if err := out.Encode(seccomp.DefaultProfile(bare)); err != nil {
		log.Fatal(err)
	}
}
