mod addons;
mod boot;
mod console;
mod definitions;
mod who;
