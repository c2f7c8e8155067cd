#!/bin/sh
# Records what interpreters and compilers print about errors in /tmp/src, one file for each, beside this script. Tools that
# this machine does not have are left out. It runs as root, in a mount namespace of its own.
#
#     unshare --mount sh tests/output_samples/record.sh
#
# Maven has no compiler of its own: with MAVEN_REPOSITORY, a folder such as ~/.m2/repository in which its compiler plugin 3.10.1
# is, it is recorded as well.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p /tmp/src
mount -t tmpfs none /tmp/src
cd /tmp/src
mkdir -p lib src/main/java

# record NAME COMMAND...: both streams of a command that fails.
record() {
    name=$1
    shift
    command -v "$1" >/dev/null || { echo "no $1: $name stays as it is" >&2; return 0; }
    if "$@" >"$here/$name.txt" 2>&1; then echo "$name did not fail" >&2; fi
    # Where this machine has its Python is of no interest.
    prefix=$(python3 -c 'import sys; print(sys.base_prefix)' 2>/dev/null || echo /usr)
    sed -i "s|$prefix/|/usr/|g" "$here/$name.txt"
}

cat >app.py <<'END'
import lib.orders


def main():
    lib.orders.load({"a": 1})


main()
END
cat >lib/orders.py <<'END'
import json


def load(order):
    try:
        order["b"]
    except KeyError:
        json.loads("{")
END
cat >broken.py <<'END'
def total(prices:
    return sum(prices)
END
printf 'import broken\n' >uses_broken.py
record python-traceback python3 /tmp/src/app.py
record python-syntax python3 /tmp/src/uses_broken.py
record python-compile python3 -m py_compile broken.py
rm -rf __pycache__ lib/__pycache__

cat >app.js <<'END'
const lib = require('./lib/prices');

lib.total(null);
END
cat >lib/prices.js <<'END'
exports.total = (prices) => {
  return prices.map((price) => price.net);
};
END
cat >broken.js <<'END'
function total(prices) {
  return prices..length;
}
END
cat >broken.mjs <<'END'
import { readFile } from 'node:fs/promises';
await readFile('/no/such/file');
const x = [1, 2;
END
cat >missing.mjs <<'END'
import { total } from './lib/nothing.mjs';
total();
END
cat >rejected.mjs <<'END'
async function load() {
  await null;
  throw new RangeError('two\nlines');
}
await load();
END
cat >string.js <<'END'
throw 'a plain text';
END
for name in app broken string; do record "node-$name" node /tmp/src/$name.js; done
for name in broken missing rejected; do record "node-module-$name" node /tmp/src/$name.mjs; done

cat >index.php <<'END'
<?php
function total($prices) {
    return $prices->sum(;
}
END
cat >thrown.php <<'END'
<?php
echo $unset;
function total($prices) {
    throw new InvalidArgumentException("no prices");
}
total([]);
END
record php-parse php -d display_errors=1 -d log_errors=1 -d error_log= -d html_errors=0 -l /tmp/src/index.php
record php-thrown php -d display_errors=1 -d log_errors=1 -d error_log= -d html_errors=0 /tmp/src/thrown.php

cat >app.pl <<'END'
use strict;
use warnings;
my $unset;
print "value: " . $unset . "\n";
die "no prices";
END
cat >broken.pl <<'END'
use strict;
my $x = (1, 2;
$y = 3;
END
cat >module.pl <<'END'
use strict;
use Shop::Prices;
END
for name in app broken module; do record perl-$name perl /tmp/src/$name.pl; done

cat >app.c <<'END'
#include <stdio.h>
#include "lib/prices.h"

int main(void) {
    int unused;
    printf("%d\n", total(1, 2));
    return undeclared
}
END
printf 'int total(int a);\n' >lib/prices.h
printf '#include "nothing.h"\n' >missing.c
record gcc gcc -Wall -c -o /dev/null /tmp/src/app.c
record gcc-colours gcc -Wall -fdiagnostics-color=always -c -o /dev/null /tmp/src/app.c
record gcc-relative gcc -c -o /dev/null missing.c

cat >src/main/java/App.java <<'END'
public class App {
    public static void main(String[] args) {
        int count = "one";
        System.out.println(missing)
    }
}
END
record javac-syntax javac -d /tmp /tmp/src/src/main/java/App.java
sed -i 's/(missing)/(missing);/' src/main/java/App.java
record javac-types javac -d /tmp /tmp/src/src/main/java/App.java
if [ -n "${MAVEN_REPOSITORY:-}" ]; then
    cat >pom.xml <<'END'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>app</groupId>
  <artifactId>app</artifactId>
  <version>1</version>
  <properties>
    <maven.compiler.source>17</maven.compiler.source>
    <maven.compiler.target>17</maven.compiler.target>
  </properties>
</project>
END
    compile() {
        record "$1" mvn --offline --batch-mode "-Dmaven.repo.local=$MAVEN_REPOSITORY" "-Dstyle.color=$2" \
            org.apache.maven.plugins:maven-compiler-plugin:3.10.1:compile
        # When it was, and how long it took, is of no interest.
        sed -i '/Total time:/d; /Finished at:/d' "$here/$1.txt"
    }
    compile maven never
    compile maven-colours always
fi
