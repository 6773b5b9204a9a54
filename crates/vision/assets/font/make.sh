#!/bin/sh
# Makes legend.ttf, the letters of drawn legends, from Debian's fonts-dejavu-core 2.37.
# The same font and the same fonttools give the same bytes; SHA256SUMS knows both.
#
#     apt-get install fonts-dejavu-core
#     python3 -m venv venv && venv/bin/pip install fonttools==4.68.0
#     PATH="$PWD/venv/bin:$PATH" ./make.sh
set -eu
cd "$(dirname "$0")"

from=/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf
grep "$from" SHA256SUMS | sha256sum --check

# ASCII, Latin-1, Latin Extended-A and the rest of Romanian; Greek; Cyrillic with Ukrainian and Kazakh;
# Vietnamese and German capitals; punctuation, currencies, arrows, a few signs of mathematics, U+FFFD.
pyftsubset "$from" --output-file=legend.ttf \
    --unicodes='U+0020-007E,U+00A0-017F,U+0218-021B,U+0386-03CE,U+0400-04FF,U+1E00-1EF9,U+2010-2027,U+2030-203A,U+20AC,U+20BD,U+2116,U+2122,U+2190-2193,U+2212,U+2248,U+2260-2265,U+FFFD' \
    --no-hinting --layout-features='' --drop-tables+=GSUB,GPOS,GDEF,kern,FFTM,gasp \
    --notdef-outline --name-IDs='0,1,2,5,13,14' --no-recalc-timestamp
sha256sum --check SHA256SUMS
