//! metallb
