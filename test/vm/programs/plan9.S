# What stands for a Plan 9 kernel: text, and data on the page behind it.

	.text
	.include "say.S"
start:
	mov	$stack, %esp
	say	"\ndata <"
	mov	$data, %esi
	call	print
	say	">\n"
	tell	"bss", bss
	mov	%cr0, %ecx
	tell	"cr0", %ecx
	say	"end\n"
	jmp	off

	.data
data:	.asciz	"plan nine"

	.bss
bss:	.skip	4096
stack:
