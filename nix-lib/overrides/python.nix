# PyO3 asks an interpreter what to build for. With cargo that is the first in PATH or of a virtual environment, here
# nixpkgs' own; another one is for an override that sets `PYO3_PYTHON`.
#
# Crates: pyo3-build-config
# Build dependencies: pyo3-build-config
{ lib, pkgs }:
attrs: {
  PYO3_PYTHON = "${pkgs.buildPackages.python3}/bin/python3";
}
