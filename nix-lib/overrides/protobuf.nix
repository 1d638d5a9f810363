# Build scripts that compile protocol buffers run `protoc`: those of the crates with `.proto` files, whatever they call it
# through. nixpkgs gives it to prost-build, which runs nothing while it is built itself.
#
# Build dependencies: prost-build, protobuf-codegen, protoc-grpcio, protoc-rust
{ lib, pkgs }:
attrs: {
  nativeBuildInputs = [ pkgs.buildPackages.protobuf ];
  PROTOC = "${lib.getBin pkgs.buildPackages.protobuf}/bin/protoc";
}
