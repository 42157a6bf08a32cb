"""One description of an installation, and what is made of it: an Ansible inventory, Helm values, a gateway's settings.

`load` reads `installation.yml` and refuses what cannot be; the renderers are pure functions of what it gives. Names,
ports, users and health checks of the parts stand in `components.py` only: a test holds playbooks, units and chart
against it. No secret is in a description, only names of files that hold one.
"""

from appliance.installation.components import COMPONENTS, Component, Health, Port, component
from appliance.installation.description import (
    Backup,
    Cache,
    Database,
    Engines,
    Host,
    Identity,
    Index,
    Installation,
    Model,
    Monitoring,
    Network,
    Tls,
)
from appliance.installation.errors import InstallationInvalid
from appliance.installation.inventory import to_inventory
from appliance.installation.placement import Engine, address_of, engines_of, hosts_with
from appliance.installation.read import load, parse
from appliance.installation.render_settings import to_settings, to_toml
from appliance.installation.values import to_values

__all__ = [
    "COMPONENTS",
    "Backup",
    "Cache",
    "Component",
    "Database",
    "Engine",
    "Engines",
    "Health",
    "Host",
    "Identity",
    "Index",
    "Installation",
    "InstallationInvalid",
    "Model",
    "Monitoring",
    "Network",
    "Port",
    "Tls",
    "address_of",
    "component",
    "engines_of",
    "hosts_with",
    "load",
    "parse",
    "to_inventory",
    "to_settings",
    "to_toml",
    "to_values",
]
