# Private blocks minus the CIDRs that are allowed, as `acl private dst` lines for Squid.
#
# Input: lines "private CIDR..." and "allowed CIDR...". A Squid rule `deny private !allowed` would not do: an ACL matches
# when any address of a name does, so a name with one allowed and one other private address would pass. With the allowed
# ranges cut out of the private ones, every address is judged by itself. Exit 1 with a message for what is no CIDR.

function bits_of_number(number, width,   bits) {
  for (bits = ""; width > 0; width--) { bits = (number % 2) bits; number = int(number / 2) }
  return bits
}

function number_of_hex(text,   i, number) {
  number = 0
  for (i = 1; i <= length(text); i++) number = number * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
  return number
}

function wrong(cidr) { print "'" cidr "' is not an IPv4 or IPv6 CIDR"; failed = 1; exit 1 }

# A CIDR as "4:" or "6:" and the bits of its prefix.
function parse(cidr,   parts, groups, halves, count, family, bits, i, missing, size) {
  count = split(tolower(cidr), parts, "/")
  if (count > 2 || (count == 2 && parts[2] !~ /^[0-9]+$/)) wrong(cidr)
  if (parts[1] ~ /^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$/) {
    family = "4:"; size = 32
    split(parts[1], groups, ".")
    for (i = 1; i <= 4; i++) { if (groups[i] > 255) wrong(cidr); bits = bits bits_of_number(groups[i], 8) }
  } else if (parts[1] ~ /^[0-9a-f:]+$/ && parts[1] ~ /:/) {
    family = "6:"; size = 128
    count = split(parts[1], halves, "::")
    if (count > 2) wrong(cidr)
    bits = bits_of_groups(halves[1], cidr)
    if (count == 2) {
      missing = bits_of_groups(halves[2], cidr)
      while (length(bits) + length(missing) < size) bits = bits "0"
      bits = bits missing
    }
    if (length(bits) != size) wrong(cidr)
  } else wrong(cidr)
  if (index(cidr, "/")) { if (parts[2] + 0 > size) wrong(cidr); bits = substr(bits, 1, parts[2]) }
  return family bits
}

function bits_of_groups(text, cidr,   groups, count, i, bits) {
  count = split(text, groups, ":")
  for (i = 1; i <= count; i++) {
    if (groups[i] !~ /^[0-9a-f]+$/ || length(groups[i]) > 4) wrong(cidr)
    bits = bits bits_of_number(number_of_hex(groups[i]), 16)
  }
  return bits
}

function print_cidr(prefix,   bits, size, width, i, text) {
  size = substr(prefix, 1, 1) == "4" ? 32 : 128
  width = size == 32 ? 8 : 16
  bits = substr(prefix, 3)
  while (length(bits) < size) bits = bits "0"
  for (i = 0; i < size / width; i++) text = text (i ? (size == 32 ? "." : ":") : "") format_group(substr(bits, i * width + 1, width))
  print "acl private dst " text "/" (length(prefix) - 2)
}

function format_group(bits,   i, number) {
  number = 0
  for (i = 1; i <= length(bits); i++) number = number * 2 + substr(bits, i, 1)
  return length(bits) == 8 ? number : sprintf("%x", number)
}

# Print a private prefix without the allowed ones: whole, not at all, or as what is left of its two halves.
function subtract(prefix,   i, inside) {
  for (i in allowed) {
    if (substr(prefix, 1, length(i)) == i) return
    if (substr(i, 1, length(prefix)) == prefix) inside = 1
  }
  if (!inside) { print_cidr(prefix); return }
  subtract(prefix "0")
  subtract(prefix "1")
}

$1 == "private" { for (field = 2; field <= NF; field++) blocks[++number] = parse($field) }
$1 == "allowed" { for (field = 2; field <= NF; field++) allowed[parse($field)] = 1 }
END { if (!failed) for (field = 1; field <= number; field++) subtract(blocks[field]) }
