mod addons;
mod boot;
