# Build scripts that compile `.proto` files run `protoc`. nixpkgs has an override for prost-build only, which does not
# run `protoc` while it is built itself.
#
# Build dependencies: prost-build, protobuf-codegen, protoc-grpcio, protoc-rust
{ lib, pkgs }:
attrs: {
  nativeBuildInputs = [ pkgs.buildPackages.protobuf ];
  PROTOC = "${lib.getBin pkgs.buildPackages.protobuf}/bin/protoc";
}
