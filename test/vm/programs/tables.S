# What stands for a kernel that is entered in 64-bit mode: says which page tables it is entered on.

	.code64
	.text
	lea	stack(%rip), %rsp
	lea	name(%rip), %rsi
	call	print
	mov	%cr3, %rbp
	mov	$16, %ecx
1:	rol	$4, %rbp
	mov	%ebp, %eax
	and	$15, %al
	add	$'0', %al
	cmp	$'9', %al
	jbe	2f
	add	$('a' - '0' - 10), %al
2:	call	put
	loop	1b
	lea	last(%rip), %rsi
	call	print
	mov	$0x604, %dx			# as say.S powers off
	mov	$0x2000, %ax
	out	%ax, %dx
3:	hlt
	jmp	3b

print:						# the text at %rsi, up to its NUL
	lodsb
	test	%al, %al
	jz	1f
	call	put
	jmp	print
1:	ret

put:						# %al
	mov	%al, %ah
	mov	$0x3fd, %dx
1:	in	%dx, %al
	test	$0x20, %al
	jz	1b
	mov	%ah, %al
	mov	$0x3f8, %dx
	out	%al, %dx
	ret

name:	.asciz	"\ncr3 "
last:	.asciz	"\nend\n"
	.balign	16
	.skip	256
stack:
