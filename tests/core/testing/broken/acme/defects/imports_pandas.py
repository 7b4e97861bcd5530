"""It imports pandas to register."""

import pandas as pd  # noqa: F401 - is the defect

from acme.plugin import odibi_register_engines, odibi_register_readers, odibi_register_savers  # noqa: F401 - are hooks
