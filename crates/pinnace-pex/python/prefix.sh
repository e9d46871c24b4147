#!/bin/sh
# Start this PEX file: in the environment that an earlier start made ready, else by Python.
pex=$0 key=@KEY@ names=@NAMES@ quick=@QUICK@ root=$PEX_ROOT python= shim= boot=None
case $PEX_PYTHON in /*/python* | /*/pypy*) [ -x "$PEX_PYTHON" ] && exec "$PEX_PYTHON" @LOAD@"$pex" "$@" ;; esac
set -f
IFS=:
for name in $names; do
  for folder in $PATH; do
    python=$folder/$name
    case $python in
    */shims/*) [ -x "$python" ] && shim=${shim:-$python} ;;
    /*) [ -x "$python" ] && [ ! -d "$python" ] && break 2 ;;
    esac
    python=
  done
done
unset IFS
set +f
if [ -z "$root" ] && [ -n "$HOME" ]; then
  root=$HOME/.cache/pex
  [ -d "$HOME/Library/Caches" ] && root=$HOME/Library/Caches/pex
  [ -n "$XDG_CACHE_HOME" ] && root=$XDG_CACHE_HOME/pex
fi
[ -n "$PEX_PYTHON$PEX_PYTHON_PATH$PEX_PATH$PEX_TOOLS$PEX_INHERIT_PATH" ] && quick=no
case $quick$root in
yes/*)
  { read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
  for when in settled "$boot"; do
    if { read -r folder <"$root/pinnace/1/ready/$key/$when$python"; } 2>/dev/null && [ -x "$folder/bin/python" ] && [ -f "$folder/boot/start.py" ]; then
      PEX=$pex
      export PEX
      exec "$folder/bin/python" @ARGUMENTS@"$folder/boot/start.py" "$@"
    fi
  done
  ;;
esac
python=${python:-$shim}
[ -n "$python" ] && exec "$python" @LOAD@"$pex" "$@"
echo "$pex: none of $names is on PATH" >&2
exit 1
