<?xml version="1.0" encoding="UTF-8"?>
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
                xmlns:i="urn:example:invoice" exclude-result-prefixes="i">
  <xsl:output method="html" omit-xml-declaration="yes"/>
  <xsl:template match="/i:invoice">
    <html>
      <body>
        <h1>Invoice <xsl:value-of select="@number"/></h1>
        <table>
          <xsl:for-each select="i:line">
            <tr>
              <td><xsl:value-of select="."/></td>
              <td><xsl:value-of select="@quantity"/></td>
              <td><xsl:value-of select="@price"/></td>
            </tr>
          </xsl:for-each>
        </table>
        <p>Total <xsl:value-of select="i:total"/></p>
      </body>
    </html>
  </xsl:template>
</xsl:stylesheet>
