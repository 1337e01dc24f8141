# A multiboot 1 kernel that tells what its loader told it (Multiboot Specification 0.6.96, sections 3.2 and 3.3).

	.set	FLAGS, 0x10003			# modules on pages, memory, and where it goes
	.text
header:
	.long	0x1badb002, FLAGS, -(0x1badb002 + FLAGS)
	.long	header, header, 0, bss_end, start

	.include "say.S"

start:
	mov	$stack, %esp
	mov	%eax, %ebp
	say	"\n"
	tell	"magic", %ebp
	mov	%cr0, %ecx
	tell	"cr0", %ecx
	mov	%cs, %ecx
	tell	"cs", %ecx
	mov	%ss, %ecx
	tell	"ss", %ecx
	pushf
	pop	%ecx
	tell	"eflags", %ecx
	tell	"flags", (%ebx)
	tell	"upper", 8(%ebx)
	say	"cmdline <"
	mov	16(%ebx), %esi
	call	print
	say	">\n"
	tell	"modules", 20(%ebx)
	mov	24(%ebx), %ebp			# the first one
	say	"module <"
	mov	8(%ebp), %esi
	call	print
	say	"> <"
	mov	(%ebp), %esi
	mov	4(%ebp), %edi
1:	cmp	%edi, %esi
	jae	2f
	lodsb
	call	put
	jmp	1b
2:	say	">\nloader <"
	mov	64(%ebx), %esi
	call	print
	say	">\n"
	# The memory map: each entry's size stands before it.
	mov	48(%ebx), %ebp
	mov	44(%ebx), %edi
	add	%ebp, %edi
3:	cmp	%edi, %ebp
	jae	4f
	say	"region "
	mov	8(%ebp), %eax
	call	hex
	mov	4(%ebp), %eax
	call	hex
	tell	" type", 20(%ebp)
	add	(%ebp), %ebp
	add	$4, %ebp
	jmp	3b
4:	say	"end\n"
	jmp	off

	.bss
	.skip	4096
stack:
bss_end:
