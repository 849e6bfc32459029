#!/usr/bin/env bash
# Builds each image, labelled with the version, and writes its software bill of materials (CycloneDX) to sbom/ROLE.cdx.json.
set -euo pipefail
# shellcheck source=setup/lib.sh
. "$(dirname "$0")/lib.sh"

cd "$root"
syft=$(setup/go_tool.sh syft)
version=$(make -s version)
setup/images.sh sbom --label "org.opencontainers.image.version=$version" \
  --label "org.opencontainers.image.revision=$(git rev-parse HEAD)"
mkdir -p sbom
export SYFT_CHECK_FOR_APP_UPDATE=false
export SYFT_FILE_METADATA_SELECTION=none # packages, not each of their files
for folder in images/*/; do
  role=$(basename "$folder")
  "$syft" scan --quiet --source-name "litellm-claude/$role" --source-version "$version" \
    --output "cyclonedx-json=sbom/$role.cdx.json" "docker:litellm-claude/$role:sbom"
  say "sbom/$role.cdx.json: $(.venv/bin/python -c \
    'import collections, json, sys; print(dict(collections.Counter(c["type"] for c in json.load(open(sys.argv[1]))["components"])))' \
    "sbom/$role.cdx.json")"
done
