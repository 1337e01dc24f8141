# Shared by the small kernels of 32-bit protected mode.

	.macro	say text			# prints a constant
	call	2f
	.asciz	"\text"
2:	pop	%esi
	call	print
	.endm

	.macro	tell name, value		# prints a name, a value in hexadecimal, and a new line
	say	"\name "
	mov	\value, %eax
	call	hex
	say	"\n"
	.endm

	.include "serial.S"

hex:						# %eax, eight digits
	push	%ebx
	push	%ecx
	mov	%eax, %ebx
	digits	%ebx, %ebx, 8
	pop	%ecx
	pop	%ebx
	ret
