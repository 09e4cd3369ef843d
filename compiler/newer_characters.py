"""Characters that Unicode has assigned since version 14.0, which is Python 3.11's table.

Each Python brings its own table, and ``str.isprintable`` says no to what is not assigned in it.
A generated file must not depend on that, so what is newer than the oldest table is treated
everywhere as the oldest one treats it. The ranges are those of versions 15.0 to 18.0
(DerivedAge.txt of the Unicode Character Database); gaps within them are unassigned.
"""

from __future__ import annotations

import re

NEWER = re.compile(
    "["
    "\u0558\u058b-\u058c\u05c8-\u05c9\u088f-\u0897\u0b53-\u0b54\u0c5c\u0cdc\u0cf3\u0ece"
    "\u1acf-\u1af0\u1b4e-\u1b4f\u1b7f\u1c89-\u1c8a\u208f\u209d-\u209f\u20c1-\u20c4"
    "\u2427-\u2429\u2b96\u2e60-\u2e63\u2ffc-\u2fff\u31e4-\u31ef\ua7cb-\ua7cf\ua7d2\ua7d4"
    "\ua7da-\ua7f1\uab6c-\uab6d\ufbc3-\ufbd2\ufd90-\ufd91\ufdc8-\ufdce\U000105c0-\U000105f3"
    "\U000107bb-\U000107bf\U00010940-\U00010959\U00010d40-\U00010d8f\U00010ec2-\U00010eff"
    "\U0001123f-\U00011241\U00011380-\U000113e2\U000116d0-\U000116e3\U00011b00-\U00011bf9"
    "\U00011db0-\U00011df1\U00011f00-\U00011f5a\U0001246f\U00012475-\U0001247f"
    "\U00012550-\U00012686\U0001342f-\U000143fa\U00016100-\U00016139\U00016d40-\U00016d79"
    "\U00016ea0-\U00016ed3\U00016ff2-\U00016ff6\U000187f8-\U000187ff\U00018cd6-\U00018cff"
    "\U00018d09-\U000191d2\U0001b123-\U0001b132\U0001b155\U0001b168\U0001cc00-\U0001cefd"
    "\U0001d127-\U0001d128\U0001d1eb-\U0001d1ff\U0001d250-\U0001d2d3\U0001d6a6"
    "\U0001db00-\U0001db1c\U0001df1f-\U0001dfff\U0001e030-\U0001e08f\U0001e4d0-\U0001e6ff"
    "\U0001f1ae\U0001f6d8-\U0001f6dc\U0001f774-\U0001f77f\U0001f7d9-\U0001f7db"
    "\U0001f7f1-\U0001f7ff\U0001f8b2-\U0001f8d8\U0001fa54-\U0001fa57\U0001fa75-\U0001fa77"
    "\U0001fa87-\U0001fa8f\U0001faad-\U0001faaf\U0001fabb-\U0001fabf\U0001fac6-\U0001facf"
    "\U0001fada-\U0001fadf\U0001fae8-\U0001faef\U0001faf7-\U0001fafa\U0001fbcb-\U0001fbef"
    "\U0001fbfa\U0002b739-\U0002b73f\U0002b81e\U0002cea2-\U0002cead\U0002ebf0-\U0002ee5d"
    "\U00031350-\U0003fc3f"
    "]"
)
