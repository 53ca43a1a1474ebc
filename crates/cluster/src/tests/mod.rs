mod addons;
mod boot;
mod console;
