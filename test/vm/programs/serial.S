# Shared by the small kernels below, of 32 bits and of 64: the first serial line, power-off of QEMU's q35.

	.macro	digits value, low, count	# prints hexadecimal digits of a register; changes it, %eax, %ecx, %edx
	mov	$\count, %ecx
1:	rol	$4, \value
	mov	\low, %eax
	and	$15, %al
	add	$'0', %al
	cmp	$'9', %al
	jbe	2f
	add	$('a' - '0' - 10), %al
2:	call	put
	loop	1b
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

put:						# %al; changes %eax and %edx
	mov	%al, %ah
	mov	$0x3fd, %dx
1:	in	%dx, %al
	test	$0x20, %al
	jz	1b
	mov	%ah, %al
	mov	$0x3f8, %dx
	out	%al, %dx
	ret

off:						# PM1a's control register, where QEMU's firmware has put it
	mov	$0x604, %dx
	mov	$0x2000, %ax
	out	%ax, %dx
1:	hlt
	jmp	1b
