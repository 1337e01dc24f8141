# What stands for a kernel that is entered in 64-bit mode: says which page tables it is entered on.

	.code64
	.include "serial.S"
start:
	lea	stack(%rip), %rsp
	lea	name(%rip), %rsi
	call	print
	mov	%cr3, %rbp
	digits	%rbp, %ebp, 16
	lea	last(%rip), %rsi
	call	print
	jmp	off

name:	.asciz	"\ncr3 "
last:	.asciz	"\nend\n"
	.balign	16
	.skip	256
stack:
