# PyO3 runs an interpreter to find out which Python to build for. Cargo users have one in PATH or in a virtual
# environment; here it is nixpkgs' `python3`. To choose another one, set `PYO3_PYTHON` in an override.
#
# Crates: pyo3-build-config
# Build dependencies: pyo3-build-config
{ lib, pkgs }:
attrs: {
  PYO3_PYTHON = "${pkgs.buildPackages.python3}/bin/python3";
}
