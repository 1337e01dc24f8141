# Shared by the small kernels below: 32-bit protected mode, the first serial line, power-off of QEMU's q35.

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

	.text
	jmp	start

print:						# the text at %esi, up to its NUL
	lodsb
	test	%al, %al
	jz	1f
	call	put
	jmp	print
1:	ret

put:						# %al
	push	%edx
	push	%eax
	mov	$0x3fd, %dx
1:	in	%dx, %al
	test	$0x20, %al
	jz	1b
	pop	%eax
	mov	$0x3f8, %dx
	out	%al, %dx
	pop	%edx
	ret

hex:						# %eax, eight digits
	push	%ebx
	push	%ecx
	mov	%eax, %ebx
	mov	$8, %ecx
1:	rol	$4, %ebx
	mov	%ebx, %eax
	and	$15, %al
	add	$'0', %al
	cmp	$'9', %al
	jbe	2f
	add	$('a' - '0' - 10), %al
2:	call	put
	loop	1b
	pop	%ecx
	pop	%ebx
	ret

off:						# PM1a's control register, where QEMU's firmware has put it
	mov	$0x604, %dx
	mov	$0x2000, %ax
	out	%ax, %dx
1:	hlt
	jmp	1b
