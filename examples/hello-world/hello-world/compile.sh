#!/bin/sh
# Writes ./hello, a program of 163 bytes for Linux on x86-64 that needs nothing else: write(1, message), exit(0).
set -eu
cd "$(dirname "$0")"
if [ "$(uname -m)" != x86_64 ]; then
  echo "hello is written for x86_64, and this is $(uname -m): put another static program there" >&2
  exit 1
fi
{
  # ELF header: 64 bits, executable, x86-64, entry at 0x400078
  printf '\177ELF\002\001\001\000\000\000\000\000\000\000\000\000'
  printf '\002\000\076\000\001\000\000\000\170\000\100\000\000\000\000\000\100\000\000\000\000\000\000\000'
  printf '\000\000\000\000\000\000\000\000\000\000\000\000\100\000\070\000\001\000\000\000\000\000\000\000'
  # one segment: the whole file, at 0x400000, to be read and executed
  printf '\001\000\000\000\005\000\000\000\000\000\000\000\000\000\000\000\000\000\100\000\000\000\000\000'
  printf '\000\000\100\000\000\000\000\000\243\000\000\000\000\000\000\000\243\000\000\000\000\000\000\000'
  printf '\000\020\000\000\000\000\000\000'
  printf '\270\001\000\000\000'     # mov eax, 1           write
  printf '\277\001\000\000\000'     # mov edi, 1           to the standard output
  printf '\276\227\000\100\000'     # mov esi, 0x400097    the message
  printf '\272\014\000\000\000'     # mov edx, 12          its length
  printf '\017\005'                 # syscall
  printf '\270\074\000\000\000'     # mov eax, 60          exit
  printf '\061\377\017\005'         # xor edi, edi; syscall
  printf 'Hello World\n'
} >hello
chmod 0755 hello
