mod addons;
